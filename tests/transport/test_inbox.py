"""What waits for the pump, and when it looks although nothing does."""

import asyncio

import pytest

from custom_components.self_secure.transport.inbox import Inbox

SOON, LATE = 0.02, 60.0


@pytest.fixture
async def inbox() -> Inbox[str]:
    return Inbox()


def time() -> float:
    return asyncio.get_running_loop().time()


async def waiting(inbox: Inbox[str], due: float | None = None) -> asyncio.Task[str | None]:
    task = asyncio.create_task(inbox.get(due))
    await asyncio.sleep(0)
    return task


async def test_inputs_come_in_their_order(inbox: Inbox[str]) -> None:
    for given in "abc":
        inbox.put(given)
    assert len(inbox) == 3
    assert [await inbox.get(None) for _ in "abc"] == ["a", "b", "c"]


async def test_an_input_ends_the_wait(inbox: Inbox[str]) -> None:
    task = await waiting(inbox)
    assert inbox.idle
    inbox.put("a")
    inbox.put("b")
    assert not inbox.idle
    assert await task == "a"
    assert len(inbox) == 1


async def test_nobody_waits(inbox: Inbox[str]) -> None:
    assert not inbox.idle


async def test_the_time_ends_the_wait(inbox: Inbox[str]) -> None:
    due = time() + SOON
    assert await inbox.get(due) is None
    assert time() >= due - 1e-3  # the loop's resolution
    assert not inbox.rings_by(due)


async def test_a_time_that_is_past_lets_others_run_first(inbox: Inbox[str]) -> None:
    task = await waiting(inbox, time() - 1)
    assert inbox.idle
    assert await task is None


async def test_an_input_goes_before_a_time_that_has_come(inbox: Inbox[str]) -> None:
    inbox.put("a")
    assert await inbox.get(time() - 1) == "a"


async def test_the_timer_stays_for_the_next_wait(inbox: Inbox[str]) -> None:
    first = time() + SOON
    for due in (first, first + LATE):
        task = await waiting(inbox, due)
        assert inbox.rings_by(first)
        inbox.put("a")
        assert await task == "a"
    assert await inbox.get(first + LATE) is None  # too early: who waits looks, and waits again
    task = await waiting(inbox, first + LATE)
    assert not inbox.rings_by(first + LATE - 1)
    inbox.put("b")
    assert await task == "b"
    inbox.close()


async def test_an_earlier_time_sets_it_anew(inbox: Inbox[str]) -> None:
    task = await waiting(inbox, time() + LATE)
    inbox.put("a")
    assert await task == "a"
    assert await asyncio.wait_for(inbox.get(time() + SOON), 1) is None


async def test_ringing_while_nobody_waits_is_heard_by_the_next_wait(inbox: Inbox[str]) -> None:
    due = time() + SOON
    task = await waiting(inbox, due)
    inbox.put("a")
    assert await task == "a"
    await asyncio.sleep(2 * SOON)
    assert await asyncio.wait_for(inbox.get(due), 1) is None


async def test_cancelled_and_closed_it_leaves_nothing_behind(inbox: Inbox[str]) -> None:
    task = await waiting(inbox, time() + LATE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not inbox.idle
    assert inbox.rings_by(time() + LATE)
    inbox.close()
    inbox.close()
    assert not inbox.rings_by(time() + LATE)

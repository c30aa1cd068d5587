"""Conflicts, S' and TAGS (protocol.md 5 rules 1-4)."""

import pytest

from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.events import (
    CodeReady,
    FrameDropped,
    PairingFailed,
)
from custom_components.self_secure.protocol.packets import Frame, FrameType

from .bench import ENOUGH, Bench
from .frozen import freeze
from .steps import complete, crowded, dropped

# --- conflicts (rule 1)


@pytest.mark.parametrize("order", ["tf", "ft", "tff", "ftf", "fft"])
def test_the_device_names_the_true_candidate(order: str) -> None:
    """t: the true packet is heard, f: a forged one."""
    bench = Bench()
    bench.reach(2)
    for number, letter in enumerate(order):
        value = {"t": bench.device.random(5), "f": bytes([number]) * 20}[letter]
        bench.forge([5], value=value)
    response = bench.respond([seq for seq in range(ENOUGH + 1) if seq != 5])
    ack = bench.device.take(response)
    completed = complete(bench, ack)
    assert (completed.record.packets, completed.record.conflicts) == (ENOUGH + 1, 1)
    assert 5 in sets.decode_prefix(Frame.decode(ack).message)[0]


def test_a_conflict_without_the_true_one_is_left_out() -> None:
    bench = Bench()
    bench.reach(2)
    bench.forge([5], value=bytes(20))
    bench.forge([5], value=b"\x01" * 20)
    ack = bench.device.take(bench.respond([seq for seq in range(ENOUGH + 1) if seq != 5]))
    assert complete(bench, ack).record.packets == ENOUGH
    assert 5 not in sets.decode_prefix(Frame.decode(ack).message)[0]


def test_four_candidates_are_dropped_by_the_hub() -> None:
    bench = Bench()
    bench.reach(2)
    for value in range(3):
        bench.forge([5], value=bytes([value]) * 20)
    bench.hear([5])
    response = bench.respond([seq for seq in range(ENOUGH + 1) if seq != 5])
    members, used = sets.decode_prefix(Frame.decode(response).message)
    assert 5 not in members
    assert Frame.decode(response).message[used:] == b"\x00"
    assert complete(bench, bench.device.take(response)).record.conflicts == 1


# --- S' (rules 2 and 3)


def conflicted() -> tuple[Bench, bytes]:
    """A negotiation whose Seq 40 has two candidates, RSP sent."""
    bench = Bench()
    bench.reach(2)
    bench.hear([40])
    bench.forge([40])
    return bench, bench.respond()


@pytest.mark.parametrize(
    ("members", "choices", "reason"),
    [
        ([*range(ENOUGH), 41], [0xFF], "S' is not within S and the named conflicts"),
        ([*range(ENOUGH), 40], [0xFF], "S' is not within S and the named conflicts"),
        ([*range(ENOUGH)], [0], "S' is not within S and the named conflicts"),
        ([*range(ENOUGH), 40], [2], "no such candidate"),
        ([*range(ENOUGH), 40], [0, 0], "length of ACK"),
        ([*range(ENOUGH), 40], [], "length of ACK"),
    ],
)
def test_a_set_that_is_not_ours_is_dropped(members: list[int], choices: list[int], reason: str) -> None:
    bench, response = conflicted()
    dropped(bench, bench.device.confess(response, members, choices), reason)


def test_a_set_that_does_not_decode_is_dropped() -> None:
    bench, _ = conflicted()
    dropped(bench, Frame(FrameType.ACK, b"\x02" + bytes(40), bytes(16)).encode(), "unknown encoder")


@pytest.mark.parametrize(("size", "good"), [(ENOUGH - 1, False), (ENOUGH, True)])
def test_n_r_is_checked_on_s_prime(size: int, good: bool) -> None:
    bench, response = crowded(target_bits=0)
    bench.receive(bench.device.confess(response, [*range(size)], []))
    assert (bench.told(PairingFailed) == []) is good


def test_naming_the_wrong_candidate_gives_another_key() -> None:
    bench, response = conflicted()
    ack = bench.device.confess(response, [*range(ENOUGH), 40], [1])
    bench.receive(ack)
    assert bench.told(FrameDropped)[-1].reason == "ACK"


# --- TAGS (rule 4)


def test_a_forged_packet_is_pruned_with_tags() -> None:
    bench, response = crowded(forged=[3, 7])
    request = bench.device.take(response)
    assert (request[0], Frame.decode(request).message) == (FrameType.TAGS, b"")
    ack = bench.device.take(bench.exchange(request))
    assert ack[0] == FrameType.ACK
    completed = complete(bench, ack)
    assert completed.record.packets == 32 - 2
    assert [event.code for event in bench.told(CodeReady)] == [bench.device.machine.code]


def test_more_than_one_page() -> None:
    bench, response = crowded(forged=[3], packets=640, size=600)
    first = bench.device.take(response)
    second = bench.device.take(bench.exchange(first))
    assert [Frame.decode(raw).seq for raw in (first, second)] == [0, 1]
    assert [len(Frame.decode(bench.exchange(raw)).message) for raw in (first, second)] == [900, 300]
    assert complete(bench, bench.device.take(bench.frames[-1])).record.packets == 599


def test_each_page_once_and_a_repeat_gets_the_stored_answer() -> None:
    bench, response = crowded(forged=[3])
    request = bench.device.take(response)
    answer = bench.exchange(request)
    before = freeze(bench.negotiation)
    assert bench.exchange(request) == answer
    assert freeze(bench.negotiation) == before
    complete(bench, bench.device.take(answer))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.TAGS, b"", seq=1),
        Frame(FrameType.TAGS, b"", seq=0xFFFF_FFFF),
        Frame(FrameType.TAGS, b"", retran=1),
        Frame(FrameType.TAGS, b"\x00"),
    ],
)
def test_another_page_is_dropped(frame: Frame) -> None:
    bench, _ = crowded(forged=[3])
    dropped(bench, frame.encode(), "TAGS page")


def test_tags_are_in_the_transcript() -> None:
    """An ACK that does not know of them has a wrong MAC."""
    bench, response = crowded()
    ack = bench.device.take(response)
    bench.receive(Frame(FrameType.TAGS, b"").encode())
    bench.receive(ack)
    assert bench.told(FrameDropped)[-1].reason == "ACK"

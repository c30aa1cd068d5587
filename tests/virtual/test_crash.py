"""The hub, protocol and store in a process of their own, ends itself at every write and send (protocol.md 7)."""

from dataclasses import dataclass

import pytest

from tests.virtual.crash import Life

pytestmark = [
    pytest.mark.timeout(400),  # some sixty lives, each with two processes and real writes
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning"),  # the child only talks to its pipe
]


@dataclass(frozen=True)
class Verdict:
    """What one life came to."""

    point: int
    deaths: int
    reused: int
    broken: tuple[str, ...]
    lost_by_hub: tuple[str, ...]
    repeated: tuple[str, ...]
    lost_by_device: tuple[str, ...]


def judge(life: Life, point: int) -> Verdict:
    texts, ledger = life.node.told("text"), life.ledger
    repeated = [text for text in ledger.attempted if texts.count(text) > 1]
    repeated += [body.decode() for body in ledger.sent_by_device if ledger.acted[body] > 1]
    return Verdict(
        point,
        life.world.deaths,
        len(life.recorder.reused),
        tuple(life.broken),
        tuple(text for text in ledger.promised if texts.count(text) != 1),
        tuple(repeated),
        tuple(body.decode() for body in ledger.sent_by_device if not ledger.acted[body]),
    )


@pytest.fixture(scope="module", params=[0x11, 0x01, 0x00], ids=["hybrid", "loss", "paper"])
def suite(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def whole(suite: int, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A life without a crash."""
    life = Life(tmp_path_factory.mktemp("whole"), None, suite)
    life.live()
    return life


@pytest.fixture(scope="module")
def verdicts(suite: int, whole: Life, tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    """One life for each point at which the hub may end."""
    found = []
    for point in range(1, whole.hub.points + 1):
        life = Life(tmp_path_factory.mktemp(f"point {point}"), point, suite)
        life.live()
        found.append(judge(life, point))
    return found


def test_without_a_crash_everything_arrives(whole: Life) -> None:
    assert judge(whole, 0) == Verdict(0, 0, 0, (), (), (), ())
    assert whole.recorder.count > 2 * len(whole.ledger.attempted)


def test_the_scenario_has_all_kinds_of_points(whole: Life) -> None:
    assert {"before write", "after write", "before send", "after send"} == set(whole.hub.names)
    assert whole.node.told("resumed") != []


def test_every_point_ends_one_hub(verdicts: list[Verdict]) -> None:
    assert [verdict.deaths for verdict in verdicts] == [1] * len(verdicts)


def test_both_sides_always_find_a_common_epoch(verdicts: list[Verdict]) -> None:
    assert [verdict for verdict in verdicts if verdict.broken] == []


def test_no_key_encrypts_two_texts(verdicts: list[Verdict]) -> None:
    assert [verdict for verdict in verdicts if verdict.reused] == []


def test_nothing_is_acted_on_twice(verdicts: list[Verdict]) -> None:
    assert [verdict for verdict in verdicts if verdict.repeated] == []


def test_the_hub_loses_no_message(verdicts: list[Verdict]) -> None:
    assert [verdict for verdict in verdicts if verdict.lost_by_hub] == []


def test_the_device_loses_a_message_only_between_its_mark_and_the_act(whole: Life, verdicts: list[Verdict]) -> None:
    """At most once has this price (protocol.md 6 rule 6): the mark is on disk, the program ends before it could act.

    There is one such point for each message of the device: right after the write of its mark.
    """
    losses = {verdict.point: verdict.lost_by_device for verdict in verdicts if verdict.lost_by_device}
    assert [whole.hub.names[point - 1] for point in losses] == ["after write"] * len(losses)
    assert [len(lost) for lost in losses.values()] == [1] * len(whole.ledger.sent_by_device)

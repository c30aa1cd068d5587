"""Suite `paper` on the hub against the device's own (protocol.md 8): the same machines, other packets."""

import random
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import (
    EpochStarted,
    FrameDropped,
    MessageDelivered,
    PairingCompleted,
    PairingFailed,
    ResumeFailed,
)
from custom_components.self_secure.protocol.packets import FrameType, PaperPacket

from .bench import PAYLOAD, Bench
from .couple import PATIENCE, Couple
from .frozen import freeze
from .renewal import Renewing

PAPER = 0x00


@pytest.fixture
def couple() -> Couple:
    made = Couple(suites=(PAPER,), floor=PAPER, n_max=2048)
    made.call("open_pairing")
    made.node.core.pair(0)
    assert made.world.run(lambda: made.told(PairingCompleted) != [], PATIENCE)
    made.settle()
    return made


def rounds(couple: Couple) -> list[tuple[int, int]]:
    """Return (direction, j) of the W-round keys on the hub's disk."""
    assert couple.store.snapshot is not None
    row: Any = couple.store.snapshot["pairings"][0]
    assert row["keys"] == {}
    return sorted((direction, number) for direction, number, _ in row["rounds"])


def talk(couple: Couple, count: int) -> None:
    """Send so many messages each way."""
    for number in range(count):
        couple.say(str(number))
        couple.report(str(number).encode())
        couple.settle()


def test_they_pair_without_a_code_and_talk(couple: Couple) -> None:
    assert couple.hub.connection.record is not None
    assert couple.hub.connection.record.suite == PAPER
    assert rounds(couple) == [(0, 0), (1, 0)]
    talk(couple, 3)
    assert couple.node.told("text") == ["0", "1", "2"]
    assert couple.heard == [b"0", b"1", b"2"]


def test_the_last_two_round_keys_of_each_direction_are_kept(couple: Couple) -> None:
    talk(couple, 31)  # VERIFIED and INFO were the first of each direction
    assert rounds(couple) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    talk(couple, 32)
    assert rounds(couple) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert len(couple.told(EpochStarted)) == 1  # no resume is needed for it


@pytest.mark.parametrize("who", ["hub", "device"])
def test_after_a_power_loss_a_new_life_begins(couple: Couple, who: str) -> None:
    talk(couple, 40)
    {"hub": couple.restart_hub, "device": couple.restart_device}[who]()
    couple.say("after")
    couple.report(b"after")
    couple.settle()
    assert couple.node.told("text")[-1] == "after"
    assert couple.heard[-1] == b"after"
    assert couple.told(EpochStarted)[-1].resumed
    assert couple.told(ResumeFailed) == []
    assert rounds(couple) == [(0, 2), (1, 2)]


def test_lives_follow_each_other(couple: Couple) -> None:
    for number in range(5):
        couple.restart_hub()
        couple.say(str(number))
        couple.settle()
    assert couple.node.told("text") == ["0", "1", "2", "3", "4"]
    assert rounds(couple) == [(0, 5), (1, 5)]


def test_a_replaced_storage_finds_no_common_round(couple: Couple) -> None:
    """The hub was restored from a copy older than the device's keys: nothing is erased, nobody pairs by himself."""
    before = couple.store.snapshot
    for _ in range(2):
        couple.restart_hub()
        couple.say("x")
        couple.settle()
    couple.store.snapshot = before
    couple.restart_hub()
    couple.say("lost")
    assert couple.world.run(lambda: couple.told(ResumeFailed) != [], PATIENCE)
    assert couple.told(ResumeFailed)[0].reason == "no_common_epoch"
    assert rounds(couple) == [(0, 0), (1, 0)]


def test_the_paper_profile_is_off_unless_the_user_switched_it_on() -> None:
    couple = Couple(suites=(PAPER,), n_max=2048)
    couple.call("open_pairing")
    couple.node.core.pair(0)
    assert couple.world.run(lambda: couple.told(PairingFailed) != [], PATIENCE)
    assert couple.told(PairingFailed)[0].cause == "suite_below_floor"
    assert couple.store.writes == 0


def test_it_never_goes_through_a_relay(couple: Couple) -> None:
    assert Couple().hub.connection.may_be_relayed
    assert not couple.hub.connection.may_be_relayed


def test_a_dropped_link_continues_the_chain(couple: Couple) -> None:
    couple.say("one")
    couple.world.run(lambda: couple.world.linked, PATIENCE)
    couple.world.disconnect()
    couple.settle()
    assert couple.node.told("text") == ["one"]
    assert len(couple.told(MessageDelivered)) == 1


# --- packets of suite paper where another suite runs


@pytest.mark.parametrize("kind", sorted(FrameType))
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_paper_packet_in_another_negotiation_changes_nothing(step: int, kind: FrameType) -> None:
    bench = Bench()
    bench.reach(step)
    bench.call("link_opened", PAYLOAD)
    unchanged(bench, kind)


@pytest.mark.parametrize("kind", sorted(FrameType))
@pytest.mark.parametrize("restarted", [False, True])
def test_a_paper_packet_under_another_pairing_changes_nothing(restarted: bool, kind: FrameType) -> None:
    talking = Renewing.paired(random.Random(1))
    for step in [talking.restart] * restarted:
        step()
    unchanged(talking.bench, kind)


def unchanged(bench: Bench, kind: FrameType) -> None:
    before, sent = freeze(bench.hub.connection), len(bench.frames)
    told = bench.receive(PaperPacket(kind, bytes(200)).encode())
    assert [type(event) for event in told] == [FrameDropped]
    assert freeze(bench.hub.connection) == before
    assert len(bench.frames) == sent

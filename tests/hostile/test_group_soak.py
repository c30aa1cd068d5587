"""A slice of the soak of a house with groups for each suite, and proof that its watchers bite."""

from collections.abc import Iterator
from typing import Any

import pytest

from custom_components.self_secure.protocol import group_lane
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.group import GroupMessage
from custom_components.self_secure.protocol.group_sender import Group
from custom_components.self_secure.protocol.session import Outgoing
from experiments.soak.counts import Counts, ViolationError
from experiments.soak.group.driver import GroupDriver, group_report
from experiments.soak.group.expected import FAULTS
from experiments.soak.group.house import House
from experiments.soak.group.ledger import GroupLedger
from experiments.soak.group.side import GroupSide
from experiments.soak.profile import Profile
from experiments.soak.reuse import Reuse
from self_secure_device.group import Groups

STEPS = 10_000
ENOUGH = 100  # messages that members acted on: it was not the faults alone
ANN, BOB = b"A" * 16, b"B" * 16
SECRET = b"s" * 32
BODY = b"g00000001"


@pytest.fixture
def reuse() -> Iterator[Reuse]:
    watching = Reuse()
    with watching.watching():
        yield watching


@pytest.mark.parametrize("suite", ["hybrid", "loss", "paper"])
def test_ten_thousand_steps(reuse: Reuse, suite: str) -> None:
    driver = GroupDriver(Profile(suite), 1, reuse)
    driver.run(STEPS)
    lines, passed = group_report(driver, reuse, None)
    assert passed
    assert set(lines[-1].split(", ")) >= {"outside 0", "stored 0", "lost 0", "repeated 0", "forged 0", "reused 0"}
    assert set(FAULTS) - set(driver.counts.faults) <= {"group: burst", "restored: group"}
    assert driver.counts.rules["group: acted"] > ENOUGH
    assert driver.counts.rules["group: reached all"] > 0


def test_everything_follows_from_the_seed(reuse: Reuse) -> None:
    first, second, other = (GroupDriver(Profile(), seed, Reuse()) for seed in (3, 3, 4))
    for driver in (first, second, other):
        driver.run(1_000)
    assert first.counts.lines() == second.counts.lines()
    assert first.counts.rules == second.counts.rules
    assert first.counts.lines() != other.counts.lines()


# --- rules broken on purpose


def found(reuse: Reuse) -> str:
    """Run until a rule is broken; return what it was."""
    with pytest.raises(ViolationError) as caught:
        GroupDriver(Profile("loss"), 1, reuse).run(3 * STEPS)
    return str(caught.value)


def test_a_version_that_is_not_written_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupSide, "write", lambda _side, _version: None)
    assert found(reuse).startswith("reused: version")


def test_a_version_that_stays_when_somebody_leaves_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupSide, "reload", lambda side: setattr(side, "reload_at", None))
    monkeypatch.setattr(Group, "is_stale", lambda group, _roster: group.present is None)
    assert found(reuse).startswith("outside: ")


def test_a_version_that_stays_when_somebody_pairs_anew_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Group.is_stale
    monkeypatch.setattr(Group, "is_stale", lambda group, roster: own(group, group.roster if set(roster) == set(group.roster) else roster))
    assert found(reuse).startswith("outside: pairing")


def test_a_key_in_the_stored_queue_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    def stored(handle: int, kind: int, body: bytes, **_options: bool) -> Outgoing:
        return Outgoing(handle, kind, body)

    monkeypatch.setattr(group_lane, "Outgoing", stored)
    assert found(reuse).startswith("stored: ")


def test_a_member_that_accepts_a_frame_again_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    groups_class: Any = Groups  # untyped, as the whole core
    own = groups_class._receive

    def forgetful(groups: Any, peer: Any, group: Any, frame: Any, now: int) -> None:
        before = group.key, group.n
        own(groups, peer, group, frame, now)
        (group.key, group.n), group.last = before, None

    monkeypatch.setattr(Groups, "_receive", forgetful)
    assert found(reuse).startswith(("repeated: ", "forged: "))


# --- the ledger


def ledger() -> GroupLedger:
    """Return one that knows a message for Ann."""
    known = GroupLedger(Counts())
    known.sealed(BODY, begin(known))
    return known


def begin(known: GroupLedger, version: int = 1, secret: bytes = SECRET, pairing: int = 1) -> GroupMessage:
    group = Group(7, version - 1)
    group.begin(version, {ANN: pairing}, secret)
    assert group.present is not None
    known.begun(group.present, group.roster)
    return group.seal(MessageType.TEXT, BODY)


def test_who_is_outside_is_found() -> None:
    with pytest.raises(ViolationError, match="outside"):
        ledger().acted(BOB, 7, BODY, 0, copy=False)
    with pytest.raises(ViolationError, match="outside"):
        ledger().holds(BOB, SECRET)
    with pytest.raises(ViolationError, match="outside"):
        ledger().keyed(ANN, 2, 7, 1)


def test_who_acts_twice_is_found() -> None:
    known = ledger()
    known.acted(ANN, 7, BODY, 0, copy=False)
    with pytest.raises(ViolationError, match="repeated"):
        known.acted(ANN, 7, BODY, 1, copy=False)


def test_what_eve_brought_may_come_again_after_a_loss_of_memory() -> None:
    known = ledger()
    known.by_eve = True
    known.acted(ANN, 7, BODY, 0, copy=False)
    known.acted(ANN, 7, BODY, 1, copy=False)
    with pytest.raises(ViolationError, match="repeated"):
        known.acted(ANN, 7, BODY, 2, copy=False)


@pytest.mark.parametrize(("gid", "body"), [(7, b"nobody's"), (8, BODY)])
def test_a_forged_message_is_found(gid: int, body: bytes) -> None:
    with pytest.raises(ViolationError, match="forged"):
        ledger().acted(ANN, gid, body, 0, copy=False)


def test_a_key_of_nobody_is_found() -> None:
    with pytest.raises(ViolationError, match="forged"):
        ledger().holds(ANN, b"x" * 32)


def test_a_false_report_is_found() -> None:
    known = ledger()
    with pytest.raises(ViolationError, match="lost"):
        known.told(ANN, known.outcome(BODY), None)


def test_a_report_comes_once() -> None:
    known = ledger()
    known.told(ANN, known.outcome(BODY), "a reason")
    with pytest.raises(ViolationError, match="repeated"):
        known.told(ANN, known.outcome(BODY), "a reason")


@pytest.mark.parametrize(("version", "secret"), [(1, b"x" * 32), (2, SECRET)])
def test_a_version_or_a_key_that_comes_again_is_found(version: int, secret: bytes) -> None:
    with pytest.raises(ViolationError, match="reused"):
        begin(ledger(), version, secret)


def test_a_restored_version_is_no_reuse() -> None:
    known = ledger()
    known.restored(7)
    assert begin(known, 1, b"x" * 32).place.version == 1


def test_a_key_on_a_disk_is_found() -> None:
    known = ledger()
    known.stored(b"." * 40)
    with pytest.raises(ViolationError, match="stored"):
        known.stored(b"..." + SECRET + b"...")


def test_a_miss_needs_a_reason(reuse: Reuse) -> None:
    house = House("loss", 1, reuse)
    member, side, known = house.members[0], house.groups[0], house.ledger
    known.sealed(BODY, begin(known, pairing=0))
    with pytest.raises(ViolationError, match="without a reason"):
        house._excuse(member, side, known.outcome(BODY))
    member.trouble("its battery is empty")
    assert house._excuse(member, side, known.outcome(BODY)) == "its battery is empty"

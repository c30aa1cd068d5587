"""A slice of the soak for each suite, and proof that its watchers bite."""

from collections.abc import Iterator
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import MessageType
from experiments.soak.counts import Counts, ViolationError
from experiments.soak.driver import Driver
from experiments.soak.expected import FAULTS
from experiments.soak.fingerprint import picture
from experiments.soak.ledger import Ledger
from experiments.soak.profile import Profile
from experiments.soak.report import report
from experiments.soak.reuse import Reuse
from experiments.soak.watch import Watch
from self_secure_device.keyring import Key

STEPS = 10_000
KINDS_IN_A_SLICE = 0.6  # of the faults: the rarest ones come every few ten thousand steps
ENOUGH = 30  # messages each way: it was not the faults alone
BODY = b"00000001"


@pytest.fixture
def reuse() -> Iterator[Reuse]:
    watching = Reuse()
    with watching.watching():
        yield watching


@pytest.mark.parametrize("suite", ["hybrid", "loss", "paper"])
def test_ten_thousand_steps(reuse: Reuse, suite: str) -> None:
    driver = Driver(Profile(suite), 1, reuse)
    driver.run(STEPS)
    lines, passed = report(driver, reuse, None)
    assert passed
    assert (
        lines[-1] == "reused 0, lost 0, repeated 0, forged 0, outside 0, stored 0, no common epoch 0, split 0, stuck 0, crashed 0, leaked 0"
    )
    assert len(set(FAULTS) & set(driver.counts.faults)) > KINDS_IN_A_SLICE * len(FAULTS)
    assert driver.counts.rules["hub: MessageDelivered"] > ENOUGH
    assert driver.counts.rules["device: delivered"] > ENOUGH


def test_everything_follows_from_the_seed(reuse: Reuse) -> None:
    first, second, other = (Driver(Profile(), seed, Reuse()) for seed in (3, 3, 4))
    for driver in (first, second, other):
        driver.run(1_000)
    assert first.counts.lines() == second.counts.lines()
    assert first.counts.rules == second.counts.rules
    assert first.counts.lines() != other.counts.lines()


def test_a_mark_that_is_not_written_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that keeps its high-water marks in memory acts twice after a power cut."""
    key_class: Any = Key  # untyped, as the whole core
    whole = key_class.encode

    def without_mark(key: Any) -> Any:
        return whole(key_class(key.identity, key.suite, key.pairing, key.epoch, key.store, key.committed))

    monkeypatch.setattr(Key, "encode", without_mark)
    driver = Driver(Profile("hybrid"), 1, reuse)
    with pytest.raises(ViolationError):
        driver.run(STEPS)


def test_a_picture_shows_what_has_changed(reuse: Reuse) -> None:
    driver = Driver(Profile(), 1, reuse)
    driver.calm()
    sides = (driver.world.hub.connection, driver.world.node.core)
    before = [picture(side) for side in sides]
    assert [picture(side) for side in sides] == before
    driver.faults.hub_sends()
    driver.faults.device_sends()
    assert [picture(side) == old for side, old in zip(sides, before, strict=True)] == [False, False]


def test_a_forged_message_is_found() -> None:
    with pytest.raises(ViolationError, match="forged"):
        Ledger(Counts()).acted("hub", BODY)


def test_a_reflected_message_is_found() -> None:
    ledger = Ledger(Counts())
    ledger.sent("hub", MessageType.TEXT, BODY)
    with pytest.raises(ViolationError, match="forged"):
        ledger.acted("hub", BODY)


def test_a_repeated_message_is_found() -> None:
    ledger = Ledger(Counts())
    ledger.sent("hub", MessageType.TEXT, BODY)
    ledger.acted("device", BODY)
    with pytest.raises(ViolationError, match="repeated"):
        ledger.acted("device", BODY)


def test_a_lost_message_is_found() -> None:
    ledger = Ledger(Counts())
    ledger.sent("device", MessageType.TEXT, BODY)
    with pytest.raises(ViolationError, match="lost"):
        ledger.confirmed(BODY)


def test_what_ended_before_it_acted_is_counted_apart() -> None:
    counts = Counts()
    ledger = Ledger(counts)
    ledger.sent("device", MessageType.TEXT, BODY)
    ledger.crashed_before_acting(BODY)
    ledger.confirmed(BODY)
    assert sum(number for name, number in counts.rules.items() if name.startswith("apart: at most once")) == 1


def test_a_second_text_under_one_key_is_found() -> None:
    reuse = Reuse()
    reuse.hub((b"key", b"text"))
    reuse.hub((b"key", b"text"))
    with pytest.raises(ViolationError, match="reused"):
        reuse.device((b"key", b"other"))


def test_a_key_that_only_the_hub_knows_is_found() -> None:
    with pytest.raises(ViolationError, match="forged"):
        Watch().hub_resumed(None, 1)

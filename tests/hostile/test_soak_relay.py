"""A slice of the soak with relays, and proof that its watchers bite."""

from collections.abc import Iterator
from typing import Any

import pytest

from experiments.soak.counts import ViolationError
from experiments.soak.profile import Profile
from experiments.soak.relay.driver import Driver
from experiments.soak.relay.report import FAULTS, report
from experiments.soak.relay.secrets import secrets_of
from experiments.soak.reuse import Reuse
from self_secure_device.relay.wards import Wards

STEPS = 10_000
KINDS_IN_A_SLICE = 0.4  # of the faults: what a relay does to a frame of a rare type comes every few ten thousand steps
ENOUGH = 30  # messages each way
TEXT = b"for the hub alone"


@pytest.fixture
def reuse() -> Iterator[Reuse]:
    watching = Reuse()
    with watching.watching():
        yield watching


def test_ten_thousand_steps(reuse: Reuse) -> None:
    driver = Driver(Profile(), 1, reuse)
    driver.run(STEPS)
    lines, passed = report(driver, reuse, None)
    assert passed
    assert (
        lines[-1] == "reused 0, lost 0, repeated 0, forged 0, outside 0, stored 0, no common epoch 0, split 0, stuck 0, crashed 0, leaked 0"
    )
    assert len(set(FAULTS) & set(driver.counts.faults)) > KINDS_IN_A_SLICE * len(FAULTS)
    assert driver.counts.rules["hub: delivered to far device"] > ENOUGH
    assert driver.counts.rules["far device: delivered"] > ENOUGH
    assert driver.secrets.looks > ENOUGH


def test_everything_follows_from_the_seed(reuse: Reuse) -> None:
    first, second, other = (Driver(Profile(), seed, Reuse()) for seed in (3, 3, 4))
    for driver in (first, second, other):
        driver.run(1_000)
    assert first.counts.lines() == second.counts.lines()
    assert first.counts.rules == second.counts.rules
    assert first.counts.lines() != other.counts.lines()


@pytest.mark.parametrize("suite", ["loss", "paper"])
def test_nothing_but_hybrid_goes_through_a_relay(suite: str) -> None:
    with pytest.raises(ValueError, match="hybrid"):
        Driver(Profile(suite), 1, Reuse())


def test_a_key_in_a_relay_s_log_is_found(reuse: Reuse) -> None:
    driver = Driver(Profile(), 1, reuse)
    driver.calm()
    driver.secrets.search()
    key = next(secrets_of(driver.world.node("a").core))
    driver.world.relay("b").log.append(("debug", key.hex()))
    with pytest.raises(ViolationError, match="leaked: relay b"):
        driver.secrets.search()


def test_a_text_in_a_relay_s_memory_is_found(reuse: Reuse) -> None:
    driver = Driver(Profile(), 1, reuse)
    driver.calm()
    driver.world.relay("d").core.counters[f"malformed: {TEXT.decode()}"] = 1
    driver.secrets.search()
    driver.secrets.text("a", TEXT)
    with pytest.raises(ViolationError, match="leaked: relay d"):
        driver.secrets.search()


def test_a_relay_that_does_not_write_a_new_key_is_found(reuse: Reuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would lose a ward with the next power cut."""

    def forgetful(_wards: Any, _base: Any, _fresh: Any) -> None:
        """Write nothing."""

    monkeypatch.setattr(Wards, "stage", forgetful)
    driver = Driver(Profile(), 1, reuse)
    with pytest.raises(ViolationError, match="no common epoch"):
        driver.run(STEPS)

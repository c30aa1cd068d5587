"""An initiator that knows all keys and still cheats: the responder notices (protocol.md 5)."""

from typing import Any

import pytest

from experiments.soak.driver import Driver
from experiments.soak.profile import MINIMUM
from self_secure_device import frames, tables
from self_secure_device.agreement import Agreement
from self_secure_device.paper import packets

from .states import Way, reach, until

STEPS = 10  # END, OPEN and what the hub says to it
ACKNOWLEDGED = Way("device negotiation", tables.ACKNOWLEDGED)


@pytest.fixture
def acknowledged() -> Driver:
    return reach(ACKNOWLEDGED, "hybrid")


def go_on(driver: Driver) -> None:
    for _ in range(STEPS):
        driver.world.step()


def test_the_honest_one_gets_its_code(acknowledged: Driver) -> None:
    go_on(acknowledged)
    assert acknowledged.counts.rules["hub: CodeReady"] == 1


def test_another_random_than_the_committed_one_is_dropped(acknowledged: Driver) -> None:
    """Whoever may choose r_I after r_R has 2^20 tries for the code that he wants (rule 10)."""
    acknowledged.world.node.core._pairing.negotiation.secret = b"chosen afterward"
    go_on(acknowledged)
    assert acknowledged.counts.rules["hub drops OPEN: commitment"] == 1
    assert acknowledged.counts.rules["hub: CodeReady"] == 0


def leave_out(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """Let the device keep only the first packets of S, and ask for nothing more."""
    cheating: Any = Agreement  # untyped, as the whole core
    monkeypatch.setattr(cheating, "_choose", lambda self, response: setattr(self, "_members", response.numbers[:kept]))
    monkeypatch.setattr(cheating, "_fault", lambda self, response, mac: None)


@pytest.mark.parametrize("kept", [8, MINIMUM - 1])
def test_a_set_that_the_device_has_made_too_small_is_refused(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves packets out wants a pool that Eve has (rule 2)."""
    driver = reach(Way("device negotiation", tables.BROADCASTING), "hybrid")
    leave_out(monkeypatch, kept)
    until(driver, lambda: driver.counts.rules["hub: PairingFailed too_few_packets"] > 0)
    assert driver.counts.rules["hub: CodeReady"] == 0


def test_an_acknowledgement_that_says_something_is_dropped_in_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """HMAC_ack covers its Rand alone (10): whatever else it carried, nobody would have confirmed."""
    pad: Any = packets.pad  # untyped, as the whole core
    message = {frames.ACK: b"more"}
    monkeypatch.setattr(packets, "pad", lambda phase, said, *rest: pad(phase, message.get(phase, said), *rest))
    driver = reach(Way("device negotiation", tables.ACKNOWLEDGED), "paper")
    until(driver, lambda: driver.counts.rules["hub drops ACK: ACK has no Message"] > 0)
    assert driver.counts.rules["hub: PairingCompleted"] == 0

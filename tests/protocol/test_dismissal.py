"""FORGET: the hub ends a pairing, and the device hears of it (protocol.md 6 and 7)."""

import pytest

from custom_components.self_secure.protocol.errors import LocalError, NotPairedError
from custom_components.self_secure.protocol.events import EpochStarted, MessageDelivered, MessageType
from self_secure_device import adverts

from .bench import LOSS, Bench
from .couple import PATIENCE, Couple

PAPER = 0x00


def dismissed(couple: Couple) -> None:
    """Dismiss, and wait until the hub knows that the device has heard it."""
    couple.call("dismiss")
    assert couple.world.run(lambda: couple.told(MessageDelivered) != [], PATIENCE)


@pytest.mark.parametrize("suite", [LOSS, PAPER])
def test_a_device_that_is_dismissed_by_a_hub_without_chains_is_ready_to_pair(suite: int) -> None:
    couple = Couple(suites=(suite,), floor=suite, n_max=2048)
    couple.call("open_pairing")
    couple.settle()
    couple.restart_hub()
    dismissed(couple)
    assert (couple.node.core.state, couple.node.core.keyring.entries) == (adverts.READY, [])


def test_a_live_chain_is_renewed_first_and_what_waits_is_dropped() -> None:
    couple = Couple()
    couple.pair()
    couple.world.reachable = False
    couple.say("too late")
    couple.world.reachable = True
    dismissed(couple)
    assert [event.epoch for event in couple.told(EpochStarted)] == [0, 1]
    assert couple.node.told("text") == []
    assert couple.node.core.state == adverts.READY


def test_nobody_can_dismiss_what_is_not_paired() -> None:
    bench = Bench()
    with pytest.raises(NotPairedError):
        bench.hub.call("dismiss", 0.0)


def test_forget_cannot_be_sent_as_a_message() -> None:
    couple = Couple()
    couple.pair()
    with pytest.raises(LocalError):
        couple.call("send", MessageType.FORGET, b"")

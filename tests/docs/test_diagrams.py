"""The drawn machines against the tables, and against machines that run."""

import pytest

from custom_components.self_secure.protocol import tables as hub
from custom_components.self_secure.protocol.events import PairingFailed, Verdict
from custom_components.self_secure.protocol.suites import LOSS, PAPER
from self_secure_device import tables as device
from tests.docs import diagrams
from tests.docs.lives import Life, Steps, observed


def undrawn(steps: Steps) -> dict[str, set[tuple[str, str]]]:
    """Return the observed state changes that are in no diagram."""
    drawn = {machine.title: machine.steps() for machine in diagrams.MACHINES}
    return {title: seen - drawn[title] for title, seen in steps.items() if seen - drawn[title]}


def test_the_page_is_current() -> None:
    assert diagrams.PAGE.read_text(encoding="utf-8") == diagrams.page(), "run scripts/diagrams"


def test_every_state_is_drawn() -> None:
    states = {state for machine in diagrams.MACHINES for step in machine.steps() for state in step}
    of_the_hub = {state.value for machine in (hub.NegotiationState, hub.SenderState, hub.ResumeState) for state in machine}
    of_the_device = {state for table in (device.NEGOTIATION, device.PEER) for state, _ in table} | {device.OPENED, device.ENDED}
    assert of_the_hub | of_the_device == states


def test_a_whole_life_makes_only_drawn_steps() -> None:
    with observed() as steps:
        life = Life(1)
        life.paired()
        life.talk()
        life.power_cut()
        life.talk(1)
        life.restart_hub()
        life.talk(1)
    assert undrawn(steps) == {}
    assert steps[diagrams.HUB_NEGOTIATION.title] == {
        ("waiting", "collecting"),
        ("collecting", "responded"),
        ("responded", "ended"),
        ("ended", "comparing"),
        ("comparing", "done"),
    }
    assert ("no chain", "resuming") in steps[diagrams.DEVICE_PEER.title]
    assert ("answered", "idle") in steps[diagrams.HUB_RESUME.title]


@pytest.mark.parametrize("suite", [PAPER.id, LOSS.id])
def test_a_life_without_a_code_makes_only_drawn_steps(suite: int) -> None:
    with observed() as steps:
        life = Life(5, suites=(suite,), floor=suite)
        life.paired()
        life.talk(40)
        life.power_cut()
        life.talk(1)
    assert undrawn(steps) == {}
    assert ("ended", "done") in steps[diagrams.HUB_NEGOTIATION.title]
    assert ("answered", "idle") in steps[diagrams.HUB_RESUME.title]


def test_failed_pairings_make_only_drawn_steps() -> None:
    with observed() as steps:
        life = Life(2)
        life.pair(Verdict.DIFFERENT)
        life.until(lambda: life.told(PairingFailed))
        life.world.disconnect()
        impossible = Life(3, n_max=40, minimum=40)  # 30 % are lost
        impossible.pair()
        impossible.until(lambda: impossible.node.told("pairing_failed"))
    assert undrawn(steps) == {}
    assert ("comparing", "failed") in steps[diagrams.HUB_NEGOTIATION.title]
    assert ("broadcasting", "ended") in steps[diagrams.DEVICE_NEGOTIATION.title]


def test_lost_and_frozen_chains_make_only_drawn_steps() -> None:
    with observed() as steps:
        life = Life(4)
        life.paired()
        with life.deaf_device():
            life.world.tell("send", 2, b"hello", life.world.now)
            life.wait(120)
        life.quiet()
        with life.deaf_hub():
            life.node.core.send(3, b"hello", round(life.world.now * 1000))
            life.wait(120)
        life.quiet()
    assert undrawn(steps) == {}
    assert ("outstanding", "frozen") in steps[diagrams.HUB_COMMUNICATION.title]
    assert ("running", "frozen") in steps[diagrams.DEVICE_PEER.title]

"""Ways into each state of each machine, by the engine alone: nothing is set from outside."""

from collections.abc import Callable
from dataclasses import dataclass

from custom_components.self_secure.protocol.tables import NegotiationState, ResumeState, SenderState
from experiments.soak.air import TO_DEVICE
from experiments.soak.driver import Driver
from experiments.soak.profile import Profile
from experiments.soak.reuse import Reuse
from experiments.soak.world import World
from self_secure_device import tables as device_tables

PATIENCE = 5_000  # steps


@dataclass(frozen=True)
class Way:
    """A state, and what has to be done after the pairing to get there."""

    machine: str
    state: str
    paired: bool = False
    prepare: Callable[[Driver], None] = lambda driver: None
    deaf: str | None = None  # who hears nothing on the way

    def __str__(self) -> str:
        return f"{self.machine} {self.state}"


def hub_state(world: World, machine: str) -> str | None:
    """Return the state of one of the hub's machines."""
    connection = world.hub.connection
    if machine == "negotiation":
        return connection._window.state
    messaging = connection._messaging
    if messaging is None:
        return None
    if machine == "resume":
        return messaging.epochs._resume.state
    session = messaging.memory.session
    return session.sending.state if session else None


def device_state(world: World, machine: str) -> str | None:
    """Return the state of one of the device's machines."""
    core = world.front.core
    if machine == "peer":
        return next((peer.state for peer in core.peers.values()), None)  # one hub: committed or not
    negotiation = core._pairing.negotiation
    return negotiation.state if negotiation else None


def state_of(world: World, machine: str) -> str | None:
    """Return the state of `machine`, such as "hub resume"."""
    side, name = machine.split()
    return (hub_state if side == "hub" else device_state)(world, name)


def reach(way: Way, suite: str) -> Driver:
    """Return a driver whose world is in that state."""
    driver = Driver(Profile(suite), str(way), Reuse())
    if way.paired:
        driver.calm()
    way.prepare(driver)
    until(driver, lambda: state_of(driver.world, way.machine) == way.state, way.deaf)
    return driver


def until(driver: Driver, done: Callable[[], bool], deaf: str | None = None) -> None:
    """Go on until `done`; `deaf` hears nothing on the way."""
    for _ in range(PATIENCE):
        if done():
            return
        if deaf:
            driver.world.air.ways[deaf].clear()
        driver.world.step()
    raise AssertionError("it does not come to that")


def restart_hub(driver: Driver) -> None:
    driver.world.restart_hub()


def restart_device(driver: Driver) -> None:
    driver.world.restart_device()


def hub_talks(driver: Driver) -> None:
    driver.faults.hub_sends()


def device_talks(driver: Driver) -> None:
    driver.faults.device_sends()


def jam(driver: Driver) -> None:
    driver.world.broadcast.jamming = 0.2


N, S, R, D = NegotiationState, SenderState, ResumeState, device_tables

HUB_WAYS = [
    *(Way("hub negotiation", state) for state in (N.WAITING, N.COLLECTING, N.RESPONDED, N.ENDED, N.COMPARING)),
    Way("hub sender", S.IDLE, paired=True),
    Way("hub sender", S.OUTSTANDING, paired=True, prepare=hub_talks),
    Way("hub sender", S.FROZEN, paired=True, prepare=hub_talks, deaf=TO_DEVICE),
    Way("hub resume", R.CHALLENGED, paired=True, prepare=restart_hub),
    Way("hub resume", R.ANSWERED, paired=True, prepare=restart_hub),
]
DEVICE_WAYS = [
    *(Way("device negotiation", state) for state in (D.REQUESTED, D.BROADCASTING, D.ACKNOWLEDGED, D.OPENED)),
    Way("device negotiation", D.TAGGING, prepare=jam),
    Way("device peer", D.NO_CHAIN, paired=True, prepare=restart_device),
    Way("device peer", D.RUNNING, paired=True),
    Way("device peer", D.FROZEN, paired=True, prepare=device_talks, deaf=TO_DEVICE),
    Way("device peer", D.RESUMING, paired=True, prepare=restart_device),
]
NEVER_IN_PAPER = frozenset({N.ENDED, N.COMPARING, D.TAGGING, D.OPENED})  # it has neither OPEN, nor a code, nor TAGS
PAPER_HUB_WAYS = [way for way in HUB_WAYS if way.state not in NEVER_IN_PAPER]
PAPER_DEVICE_WAYS = [way for way in DEVICE_WAYS if way.state not in NEVER_IN_PAPER]

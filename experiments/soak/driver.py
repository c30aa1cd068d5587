"""Chooses what happens next, by seed alone: mostly the world goes on, now and then something goes wrong."""

import random
from typing import Final, override

from custom_components.self_secure.protocol.packets import FrameType

from .air import type_of
from .chooser import Chooser
from .counts import Counts, ViolationError
from .faults import WEIGHTS, Faults, table
from .profile import Profile
from .reuse import Reuse
from .world import World

HASTE: Final = 3  # how many times more faults hit a negotiation's few frames
TEMPER_STEPS: Final = 150  # about one pairing
COPY_LEAVES: Final = 0.03  # per step: often before the copy has changed the epoch
CALM_EVERY: Final = 5_000  # steps; then everything must come to rest
HEALING: Final = ("hub: MessageDelayed", "device: undelivered", "hub: MessageDelivered after retries")
CALM_STEPS: Final = 4_000  # in which it must


class Driver(Chooser):
    """Drives one world; `run` raises ViolationError."""

    def __init__(self, profile: Profile, seed: int | str, reuse: Reuse) -> None:
        self._begin(World(profile, seed, Counts(), reuse), seed)

    def _begin(self, world: World, seed: int | str) -> None:
        self.world = world
        self.faults = Faults(world, random.Random(f"{seed} faults"))
        super().__init__(world.counts, f"{seed} driver", table(self.faults).values(), WEIGHTS.values())

    @override
    def _step(self) -> None:
        if self.counts.step % TEMPER_STEPS == 0:
            self.change_temper()
        if self.counts.step % CALM_EVERY == 0:
            self.calm()
        elif not self.acts():
            self.goes_on()

    def goes_on(self) -> None:
        """Let happen what is under way."""
        self.world.step()

    def acts(self) -> bool:
        """Let something go wrong, or something be said; False if only what is under way goes on."""
        if self.world.front is not self.world.node and self._rng.random() < COPY_LEAVES:
            self.faults.copy_leaves()
        if self._rng.random() < self._temper * (HASTE if self._negotiating else 1):
            self._goes_wrong()
        elif not self.world.air.flying and self._rng.random() < self._talk and not self.faults.hushed():
            self._rng.choice((self.faults.hub_sends, self.faults.device_sends))()
        else:
            return False
        self.world.settle()
        return True

    @property
    def _negotiating(self) -> bool:
        """Tell whether the frame that was sent last belongs to a negotiation and may still be in flight."""
        air = self.world.air
        return air.flying and type_of(air.archive[-1].data) < FrameType.DATA

    def calm(self) -> None:
        """Without any fault, everything that waits must be delivered, whatever has happened before."""
        self.counts.rule("calm")
        self.pacify()
        self.rest()
        self.world.ledger.all_arrived()
        self.exchange()  # a storage that was restored while nobody had anything to say shows now
        self.prove_the_chains()

    def pacify(self) -> None:
        """Let nothing more go wrong."""
        self.world.hub_power.calm()
        self.world.device_power.calm()
        self.world.broadcast.jamming = 0.0
        self.world.user.mood = "honest"
        self.faults.copy_leaves()

    def rest(self) -> None:
        """Go on until both sides have nothing left to say."""
        for _ in range(CALM_STEPS):
            if self.at_rest:
                return
            self.goes_on()
        raise ViolationError(f"stuck: after {CALM_STEPS} steps without a fault {self._why()}")

    def prove_the_chains(self) -> None:
        """One message each way must arrive at once: a chain that has split unnoticed would heal by a resume."""
        before = [self.counts.rules[name] for name in HEALING]
        self.exchange()
        after = [self.counts.rules[name] for name in HEALING]
        if after != before:
            raise ViolationError(f"split: at rest, and yet {', '.join(HEALING)} rose from {before} to {after}")

    def exchange(self) -> None:
        """Say something each way, and let it arrive."""
        self.faults.hub_sends()
        self.faults.device_sends()
        self.rest()
        self.world.ledger.all_arrived()

    def note_counters(self) -> None:
        """Add what the device has counted to the rules."""
        self.world.node.note_counters()
        for reason, number in self.world.node.dropped.items():
            self.counts.rules[f"device drops: {reason}"] = number

    @property
    def at_rest(self) -> bool:
        """Tell whether both sides have nothing left to say."""
        connection, core = self.world.hub.connection, self.world.front.core
        peer = core.peer
        return connection.paired and not connection.pairing and not connection.queued and peer is not None and not peer.queue

    def _why(self) -> str:
        connection, core = self.world.hub.connection, self.world.front.core
        queue = None if core.peer is None else len(core.peer.queue)
        return f"the hub has {connection.queued} messages, the device {queue}; paired {connection.paired}, pairing {connection.pairing}"

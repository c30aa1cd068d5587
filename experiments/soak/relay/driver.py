"""Chooses what happens next, by seed alone; now and then all faults end, and everything must come to rest, over either relay."""

import random
from typing import Final, override

from experiments.soak.chooser import Chooser
from experiments.soak.counts import Counts, ViolationError
from experiments.soak.profile import Profile
from experiments.soak.reuse import Reuse
from experiments.virtual.adoptions import ADOPTED

from .faults import WEIGHTS, Faults, table
from .secrets import Secrets
from .world import FAR, NAMES, NEAR, RELAYS, World

TEMPER_STEPS: Final = 300
LOOK_EVERY: Final = 100  # steps between two looks for the present secrets
SEARCH_EVERY: Final = 500  # between two searches of the relays for all of them
CALM_EVERY: Final = 5_000
CALM_TIME: Final = 4_000.0  # virtual seconds in which all must come to rest: T_d and the pauses between adoptions are in it
AWAY: Final = 10_000.0  # s


class Driver(Chooser):
    """Drives one world; `run` raises ViolationError."""

    tempers = (0.01, 0.03, 0.06, 0.12)
    talks = (0.003, 0.01, 0.05)

    def __init__(self, profile: Profile, seed: int | str, reuse: Reuse) -> None:
        if profile.suite != "hybrid":
            raise ValueError("nothing but hybrid goes through a relay")
        self.world = World(seed, Counts(), reuse)
        self.secrets = Secrets(self.world)
        self.faults = Faults(self.world, self.secrets, random.Random(f"{seed} faults"))
        super().__init__(self.world.counts, f"{seed} driver", table(self.faults).values(), WEIGHTS.values())

    @override
    def _step(self) -> None:
        step = self.counts.step
        if step % TEMPER_STEPS == 0:
            self.change_temper()
        if step % LOOK_EVERY == 0:
            self.secrets.collect()
        if step % SEARCH_EVERY == 0:
            self.secrets.search()
        if step % CALM_EVERY == 0:
            self.calm()
        elif self._rng.random() < self._temper:
            self._goes_wrong()
        elif self._rng.random() < self._talk:
            self._rng.choice((self.faults.hub_sends, self.faults.device_sends))()
        else:
            self.world.go_on()

    # --- without any fault

    def calm(self) -> None:
        """Everything that waits must be delivered, whatever has happened before; then over one relay alone."""
        world = self.world
        self.counts.rule("calm")
        for power in world.powers.values():
            power.calm()
        world.armed.clear()
        world.meddler.disarm()
        world.user.mood = "honest"
        world.near = {frozenset(pair) for pair in NEAR}
        for name in NAMES:
            world.switch_on(name)
        self._rest(*NAMES)
        self._until(self._adopted, "both relays have a key with the far device")
        self._take_over(self._rng.choice(RELAYS))
        self.secrets.collect()
        self.secrets.search()

    def _take_over(self, gone: str) -> None:
        """The far device is reached over the other relay."""
        self.counts.rule(f"calm without relay {gone}")
        self.world.switch_off(gone, AWAY)
        for _ in range(2):
            self.faults.hub_sends(FAR)
            self.faults.device_sends(FAR)
            self._rest(FAR)
        self.world.switch_on(gone)
        self._rest(*NAMES)

    def _rest(self, *names: str) -> None:
        self._until(lambda: all(self.world.at_rest(name) for name in names), "nothing waits")
        for name in names:
            self.world.ledgers[name].all_arrived()

    def _until(self, done: object, what: str) -> None:
        assert callable(done)  # noqa: S101  # a function without arguments
        end = self.world.now + CALM_TIME
        while not done():
            if self.world.now >= end:
                looks = "; ".join(self.world.look(station) for station in self.world.stations.values())
                raise ViolationError(f"stuck: after {CALM_TIME:.0f} s without a fault it is still not so that {what}: {looks}")
            self.world.go_on()

    def _adopted(self) -> bool:
        short = FAR.encode() * 4
        lists = self.world.hub.lists
        if any((relay, FAR) in self.world.hub.adoptions.doubted for relay in RELAYS):
            return False
        return all(short in lists.get(relay, {}) and bool(lists[relay][short][0] & ADOPTED) for relay in RELAYS)

    def note_counters(self) -> None:
        """Add what the devices have counted to the rules."""
        for name in NAMES:
            self.world.note_counters(name)

"""The person: pairs what is not paired, wherever it is, compares the codes, repairs what only a new pairing repairs."""

import random
from typing import TYPE_CHECKING, Final

from custom_components.self_secure.protocol.events import Verdict
from custom_components.self_secure.protocol.limits import RESUME_FAILURES_MAX
from self_secure_device.errors import DeviceError, StorageError

if TYPE_CHECKING:
    from .world import World

LOOK: Final = (1.0, 25.0)  # s to compare two numbers
PAUSE: Final = (3.0, 30.0)  # s between two looks at everything
PATIENCE: Final = 400.0  # s without any sign of a device that something waits at, before its button is pressed
HONEST, NEVER, CANCELS = "honest", "never", "cancels"


class User:
    """Acts when `due`; `mood` is what the next answer will be, besides the honest one."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self.due = 0.0
        self.mood: str | Verdict = HONEST
        self._codes: dict[str, str] = {}  # as the hub shows them
        self.broken: set[str] = set()  # the hub has offered the full negotiation
        self._signs: dict[str, float] = {}  # when each device was last heard of
        self.full: set[str] = set()  # the hub has no room for another key of this device: only removing it helps

    def act(self) -> None:
        """Do what is due."""
        if self._world.now < self.due:
            return
        self.due = self._world.now + self._rng.uniform(*PAUSE)
        for name, code in list(self._codes.items()):
            del self._codes[name]
            self._answer(name, code)
        while self.full:
            self._world.remove(self.full.pop())
        self._look_after_the_lost()
        busy = any(line.hub.view.pairing for line in self._world.hub.lines.values())
        for name in [name for name in self._world.stations if not busy and self.unpaired(name) and self._reachable(name)][:1]:
            self.pair(name)

    def sign(self, name: str) -> None:
        """Something came from a device, or reached it."""
        self._signs[name] = self._world.now

    def _look_after_the_lost(self) -> None:
        """Press the button of a device that no relay can reach: all of them may have lost its key, and only a person may make one."""
        for name, station in self._world.stations.items():
            if self._world.at_rest(name) or not station.on:
                self.sign(name)
            elif self._world.now - self._signs.get(name, 0.0) >= PATIENCE:
                self._world.counts.rule("user presses the button of a device that nobody reaches")
                self.sign(name)
                self._press(name)

    def unpaired(self, name: str) -> bool:
        """Tell whether only a pairing helps."""
        return name in self.broken or not self._world.hub.lines[name].hub.view.paired or self._world.peer(name) is None

    def _reachable(self, name: str) -> bool:
        hub = self._world.hub
        return self._world.stations[name].on and (hub.is_heard(name) or hub.relays(name) != [])

    def pair(self, name: str) -> None:
        """Press the device's button and open the window."""
        world = self._world
        if world.hub.lines[name].hub.view.pairing:
            return
        world.counts.note(f"user pairs {name}")
        self._press(name)
        world.hub.try_to(name, "open_pairing")

    def _press(self, name: str) -> None:
        world = self._world
        try:
            world.guard(name, world.node(name).core.pair, world.ms)
        except StorageError:
            world.counts.rule("device refuses the button")
        except DeviceError:
            world.counts.rule("user resets the device: too many keys")
            self.reset(name)

    def reset(self, name: str) -> None:
        """Factory reset of a device."""
        try:
            self._world.reset(name)
        except StorageError:
            self._world.counts.rule("device refuses the reset")

    # --- the code

    def code_shown(self, name: str, code: str) -> None:
        """The hub asks whether this code is on the device."""
        self._codes[name] = code
        self.due = min(self.due, self._world.now + self._rng.uniform(*LOOK))

    def _answer(self, name: str, code: str) -> None:
        world, mood, self.mood = self._world, self.mood, HONEST
        if mood == NEVER:
            world.counts.fault("user: never answers")
        elif mood == CANCELS:
            world.counts.fault("user: cancels instead of comparing")
            world.hub.try_to(name, "cancel_pairing")
        else:
            same = code == world.node(name).code
            verdict = Verdict.SAME if same else Verdict.DIFFERENT
            if mood == Verdict.DIFFERENT and same:
                verdict = Verdict.DIFFERENT
                world.counts.fault("user: different, although the codes are the same")
            world.counts.rule(f"user says: {verdict.value}")
            world.hub.try_to(name, "answer", verdict)

    # --- what the hub tells

    def pairing_ended(self, name: str, *, completed: bool) -> None:
        """The window is closed."""
        self._codes.pop(name, None)
        if completed:
            self.broken.discard(name)

    def resumed(self, name: str) -> None:
        """The old key works."""
        self.broken.discard(name)

    def resume_failed(self, name: str, failures: int) -> None:
        """After three failures in a row the hub offers the full negotiation, and the user takes it."""
        if failures >= RESUME_FAILURES_MAX:
            self.broken.add(name)

    def hub_restarted(self) -> None:
        """What the hub had shown is gone."""
        self._codes.clear()

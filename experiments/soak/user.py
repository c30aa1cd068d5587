"""The person: pairs, compares, changes the mind, repairs what can only be repaired by a new pairing."""

import random
from typing import TYPE_CHECKING, Final

from custom_components.self_secure.protocol.events import Verdict
from custom_components.self_secure.protocol.limits import RESUME_FAILURES_MAX
from self_secure_device.errors import DeviceError, StorageError

from .air import TO_DEVICE

if TYPE_CHECKING:
    from .world import World

LOOK: Final = (1.0, 25.0)  # s to compare two numbers
PAUSE: Final = (2.0, 40.0)  # s before trying again
HONEST, NEVER, CANCELS = "honest", "never", "cancels"


class User:
    """Acts when `due`; `mood` is what the next answer will be, besides the honest one."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self.due: float | None = 0.0
        self.mood: str | Verdict = HONEST
        self.code: str | None = None  # as the hub shows it
        self.asked = False  # a pairing window has been opened by hand
        self.wants_repair = False  # the hub has offered the full negotiation

    def act(self) -> None:
        """Do what is due."""
        self.due = None
        if self.code is not None:
            self._answer(self.code)
        elif self.unpaired:
            self.pair()

    @property
    def unpaired(self) -> bool:
        """Tell whether only a pairing helps."""
        return self.wants_repair or not self._world.hub.connection.paired or self._world.front.core.peer is None

    def tend(self) -> None:
        """Look at it again in a while, if there is something to do."""
        idle = self.due is None and not self._world.hub.connection.pairing
        if idle and self.unpaired:
            self.due = self._world.now + self._rng.uniform(*PAUSE)

    # --- pairing

    def pair(self) -> None:
        """Press the device's button and open the window."""
        world = self._world
        if world.hub.connection.pairing:
            return
        world.counts.note("user pairs")
        self.asked = True
        self._press()
        world.tell("open_pairing", world.now)

    def _press(self) -> None:
        self._world.pressed_at = self._world.now
        try:
            self._world.guard(lambda: self._world.front.core.pair(self._world.ms))
        except StorageError:
            self._world.counts.rule("device refuses the button")
        except DeviceError:
            self._world.counts.rule("user resets the device: too many keys")
            self.reset()

    def reset(self) -> None:
        """Factory reset of the device."""
        world = self._world
        try:
            world.guard(world.front.core.reset)
            world.ledger.forgotten(TO_DEVICE)
        except StorageError:
            world.counts.rule("device refuses the reset")
        world.disconnect()

    # --- the code

    def code_shown(self, code: str) -> None:
        """The hub asks whether this code is on the device."""
        self.code = code
        self.due = self._world.now + self._rng.uniform(*LOOK)

    def _answer(self, code: str) -> None:
        mood, self.mood = self.mood, HONEST
        if mood == NEVER:
            self._world.counts.fault("user: never answers")
            self.code = None
            return
        if mood == CANCELS:
            self._world.counts.fault("user: cancels instead of comparing")
            self._world.tell("cancel_pairing", self._world.now)
            return
        self._compare(code, mood)

    def _compare(self, code: str, mood: str | Verdict) -> None:
        same = code == self._world.front.code
        verdict = Verdict.SAME if same else Verdict.DIFFERENT
        if isinstance(mood, Verdict) and same:
            verdict = mood
            self._world.counts.fault(f"user: {mood.value}, although the codes are the same")
        self._world.counts.rule(f"user says: {verdict.value}")
        self.code = None
        self._world.tell("answer", verdict, self._world.now)

    # --- what the hub tells

    def pairing_ended(self, *, completed: bool, suspicious: bool = False, full: bool = False) -> None:
        """The window is closed; after a suspicious end the user is told to reset the device, and sometimes does.

        `full`: the hub holds as many keys of this device as it may, and nothing but removing the device drops one.
        """
        self.code, self.asked = None, False
        if full:
            self._world.later(self._world.remove_from_hub)
        if completed:
            self.wants_repair, self.due = False, None
            return
        if suspicious and self._rng.random() < 0.5:  # half of all people
            self._world.counts.rule("user resets the device: suspicious end")
            self._world.later(self.reset)
        self.due = self._world.now + self._rng.uniform(*PAUSE)

    def resumed(self) -> None:
        """The old key works."""
        self.wants_repair = False

    def resume_failed(self, failures: int) -> None:
        """After three failures in a row the hub offers the full negotiation, and the user takes it."""
        self.wants_repair |= failures >= RESUME_FAILURES_MAX
        self.tend()

    def hub_restarted(self) -> None:
        """What the hub had shown is gone."""
        self.code, self.asked = None, False
        self.due = self._world.now + self._rng.uniform(*PAUSE)

"""One life of a pairing: pair, talk both ways, change the epoch, talk, lose the power, talk; and what became of each message."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
import random

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, MessageReceived, MessageType, Verdict
from self_secure_device.errors import DeviceError
from simulation.loss import LossModel

from ..evaluation.pair import SMALL_SET, SMALL_TARGET
from .fuse import Fuse
from .mortal import Disk, MortalHub, MortalNode, MortalWorld

PATIENCE = 1800.0  # virtual seconds for one step; beyond it the life counts as not recovered
NUDGE = 20.0  # s after which a user looks again
LONELY = 3  # looks at a hub that is paired alone, before the user pairs again
PER_TALK = 2  # messages each way
SMALL_W = 4  # messages of an epoch, so that a short life has several


class NotRecoveredError(Exception):
    """Patience is over."""


@dataclass(slots=True)
class Ledger:
    """What was said."""

    by_hub: list[str] = field(default_factory=list)  # accepted: `send` returned
    by_device: list[str] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)  # acted on at the hub
    forgotten: set[str] = field(default_factory=set)  # waited in a memory that was lost


class Life:
    """The scenario around a fuse; `together`: both sides fail at once; `outage`: s without any link after a lost one."""

    def __init__(self, suite: int, fuse: Fuse, seed: str, *, together: bool = False, outage: float = 0.0) -> None:
        self._rng = random.Random(seed)
        self._hub_id, self._suite = self._rng.randbytes(16), suite
        self.fuse, self.disk, self.ledger = fuse, Disk(), Ledger()
        self.events: list[Event] = []
        self.node = MortalNode(fuse, self._rng.randbytes(16), self._rng.randbytes, suite)
        self.world = MortalWorld(self._hub(), self.node, {"hub": LossModel(f"{seed} hub", 0.3)}, LossModel(seed, 0), self._hear)
        self.world.fuse, self.world.together, self.world.outage = fuse, together, outage
        self.world.revive, self.world.healthy = self._revive, self.healthy
        self.pairings = 0
        self._lonely = 0
        fuse.armed = True

    def _hub(self) -> MortalHub:
        """Return a hub with settings of its own: what they hold in memory dies with it."""
        settings = Settings(hub_id=self._hub_id, floor=self._suite, minimum=SMALL_SET, target_bits=SMALL_TARGET, w=SMALL_W)
        return MortalHub(settings, self._rng.randbytes, self.disk, self.fuse)

    def _revive(self) -> MortalHub:
        self.events.clear()
        return self._hub()

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, MessageReceived) and event.type == MessageType.BYTES:
            self.ledger.received[event.body.decode()] += 1

    def healthy(self) -> bool:
        """Whether both have chains and nobody waits for anything; a greeting that was lost waits for the next contact, and nobody for it."""
        peer, view = self.node.core.peer, self.world.hub.view
        if peer is None or peer.needs_resume or peer.queue:
            return False
        return view.paired and not view.pairing and view.epoch is not None and not view.wants_link

    # --- the script

    def live(self) -> None:
        """Play it to its end, and prove then that both directions work; NotRecoveredError when it gets stuck."""
        self.pair()
        self.talk("first")
        self.renew()
        self.talk("second")
        self.power_loss()
        self.talk("third")
        self.fuse.armed = False
        self.talk("last")

    def renew(self) -> None:
        """Change the epoch with both memories intact; a hub that forgot it is asked again."""
        before = len(self.node.told("resumed"))
        self.until(lambda: len(self.node.told("resumed")) > before and self.healthy(), self._rotate)

    def _rotate(self) -> None:
        self.world.attempt("rotate", self.world.now)

    def power_loss(self) -> None:
        """The device loses its memory, whatever the fuse does."""
        self.node.power_cut()
        self.world.disconnect()
        self.settle()

    def pair(self) -> None:
        """Pair; a user who finds no pairing tries again."""
        self.until(lambda: self._paired, self._try_pairing)
        self.settle()

    @property
    def _paired(self) -> bool:
        return self.node.core.peer is not None and self.world.hub.view.paired

    def _try_pairing(self) -> None:
        view = self.world.hub.view
        self._lonely += view.paired
        if not view.pairing and (not view.paired or self._lonely > LONELY):
            self.pair_again()
        self.world.run(lambda: self._answerable or self._paired or not self.world.hub.view.pairing, 120)
        self._answer()

    def pair_again(self) -> None:
        """Press the button and open the window."""
        self.pairings += 1
        self.events.clear()
        self.world.guarded(lambda: self.node.core.pair(round(self.world.now * 1000)))
        self.world.attempt("open_pairing", self.world.now)

    def repair(self) -> None:
        """Pair again although both still have keys: there is no common one."""
        self.until(self.healthy, self._try_again)

    def _try_again(self) -> None:
        if not self.world.hub.view.pairing:
            self.pair_again()
        self.world.run(lambda: self._answerable or self.healthy() or not self.world.hub.view.pairing, 120)
        self._answer()

    def _answer(self) -> None:
        if self._answerable:
            self.world.attempt("answer", Verdict.SAME, self.world.now)

    @property
    def _answerable(self) -> bool:
        codes = [event.code for event in self.events if isinstance(event, CodeReady)]
        return self.world.hub.view.pairing and codes[-1:] != [] and codes[-1:] == self.node.told("code")[-1:]

    def talk(self, name: str, times: int = PER_TALK) -> None:
        """Say something both ways."""
        for number in range(times):
            self._hub_says(f"{name} {number} down")
            self._device_says(f"{name} {number} up")

    def _hub_says(self, text: str) -> None:
        deaths = self.world.deaths
        self.world.attempt("send", MessageType.TEXT, text.encode(), self.world.now)
        self.world.move()
        if self.world.deaths == deaths:
            self.ledger.by_hub.append(text)
        self.settle()

    def _device_says(self, text: str) -> None:
        core = self.node.core
        try:
            self.world.guarded(lambda: core.send(MessageType.BYTES, text.encode(), round(self.world.now * 1000)))
        except DeviceError:
            return  # not accepted: the program knows
        self.ledger.by_device.append(text)
        self.world.move()
        self.settle()
        if self.node.core is not core and not self.ledger.received[text]:
            self.ledger.forgotten.add(text)

    def settle(self) -> None:
        """Wait until both are healthy."""
        self.until(self.healthy, lambda: None)

    def until(self, done: Callable[[], bool], nudge: Callable[[], None]) -> None:
        """Go on until `done`, nudging now and then."""
        end = self.world.now + PATIENCE
        while not done() and self.world.now < end:
            nudge()
            self.world.run(done, NUDGE)
        if not done():
            raise NotRecoveredError(f"at {self.world.now:.0f} s: {self.world.hub.view}, {self.node.log[-3:]}")

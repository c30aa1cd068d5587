"""A real hub and a real device on a link that loses nothing, without a clock or a radio; what either side was told can be replayed."""

from collections.abc import Callable
import copy
import secrets
from typing import Any, Final, Self

from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, Persist, Transmit, Verdict
from custom_components.self_secure.protocol.suites import HYBRID, SUITES
from experiments.virtual.node import Node
from self_secure_device import suites as device_suites
from simulation.loss import LossModel

PAYLOAD: Final = 244  # MTU 247
PACKETS: Final = 256  # of the negotiation that is measured
SCANNER: Final = "bench"
_SMALL: Final = 16  # packets of a negotiation that only has to be over
LOSS: Final = 0.2  # of its broadcast
PER_EPOCH: Final = 24  # messages after VERIFIED and INFO, before the 32 at which the hub asks for a new epoch
INTERVAL: Final = 0.03  # s between its packets
_POOL: Final = secrets.token_bytes(1 << 16)  # enough for any replay, and the same for all of this process

type Call = tuple[str, tuple[Any, ...]]


class Entropy:
    """Draws from the system as the real one does, and returns what a replay can draw again."""

    def __init__(self, offset: int) -> None:
        self._at = offset

    def __call__(self, size: int) -> bytes:
        """Return `size` bytes."""
        secrets.token_bytes(size)
        begin, self._at = self._at, self._at + size
        return _POOL[begin : begin + size]


class Couple:
    """Both sides, and tapes of the calls that they got since the last `rewind`."""

    def __init__(self, suite: int = HYBRID.id, packets: int = PACKETS, loss: float = LOSS) -> None:
        self._suite, self._packets, self._loss = suite, packets, LossModel(7, loss)
        self.hub, self.node = self.new_hub(), self.new_node()
        self.events: list[Event] = []
        self.snapshot: Any = None
        self.writes = 0
        self.now = 0.0
        self.rewind()

    def new_hub(self) -> Connection:
        """Return a connection that knows no device, of a hub of its own: only one code per hub is compared at a time."""
        settings = Settings(hub_id=b"hub of the bench", floor=self._suite, minimum=self._packets, target_bits=0)
        return Connection(settings, Entropy(0))

    def new_node(self) -> Node:
        """Return a device that knows no hub."""
        return Node(b"device the first", Entropy(1 << 12), suites=(self._suite,))

    def rewind(self) -> None:
        """Begin new tapes."""
        self.hub_tape: list[Call] = []
        self.device_tape: list[Call] = []

    def fork(self) -> Self:
        """Return an independent couple in the same state."""
        return branch(self)

    # --- what reaches the two

    def tell_hub(self, name: str, *arguments: Any) -> None:
        """Call an input of the hub and do what it says."""
        self.hub_tape.append((name, (*arguments, self.now)))
        getattr(self.hub, name)(*arguments, self.now)
        while events := self.hub.events():
            for event in events:
                self._do(event)

    def _do(self, event: Event) -> None:
        if isinstance(event, Persist):
            self.snapshot, self.writes = event.snapshot, self.writes + 1
            self.hub.persisted(self.now)
        elif isinstance(event, Transmit):
            self.tell_device("received", event.fragment, self._ms)
        else:
            self.events.append(event)

    def tell_device(self, name: str, *arguments: Any) -> Any:
        """Call an input of the device."""
        self.device_tape.append((name, arguments))
        return getattr(self.node.core, name)(*arguments)

    @property
    def _ms(self) -> int:
        return round(self.now * 1000)

    def exchange(self) -> None:
        """Move fragments until nobody has any."""
        while (fragment := self.tell_device("next_fragment")) is not None:
            self.tell_hub("receive", fragment)

    # --- stories

    def connect(self) -> None:
        """Open the link and let both say what they have to say."""
        self.tell_device("connected", PAYLOAD + 3)
        self.tell_device("subscribed", self._ms)
        self.tell_hub("link_opened", PAYLOAD)
        self.exchange()

    def disconnect(self) -> None:
        """Close the link."""
        self.tell_device("disconnected")
        self.tell_hub("link_closed")

    def negotiate(self) -> None:
        """Play REQ to OPEN; both sides hold the key then, and the user is being asked."""
        self.open_broadcast()
        while self.hub.collecting:
            self.air()
        self.connect()
        if not any(isinstance(event, CodeReady) for event in self.events) and not self.hub.paired:
            raise RuntimeError("the negotiation failed")

    def open_broadcast(self) -> None:
        """Play REQ and ACC, and hang up."""
        self.tell_hub("open_pairing")
        self.connect()
        self.disconnect()

    def air(self) -> None:
        """Send one random packet, which may be lost."""
        self.now += INTERVAL
        payload = self.tell_device("next_random")
        if not self._loss.lost():
            self.tell_hub("random_packet", SCANNER, payload[8], int.from_bytes(payload[9:11]), payload[11:31])

    def pair(self) -> Self:
        """Negotiate, confirm the code, and let VERIFIED and INFO pass; the link stays open, the tapes are empty."""
        self.negotiate()
        if not self.hub.paired:
            self.tell_hub("answer", Verdict.SAME)
        self.exchange()
        self.rewind()
        return self

    def report(self, kind: int, body: bytes) -> None:
        """Send one message from the device to the hub."""
        self.tell_device("send", kind, body, self._ms)
        self.exchange()

    def say(self, kind: int, body: bytes) -> None:
        """Send one message from the hub to the device."""
        self.tell_hub("send", kind, body)
        self.exchange()


def paired_hubs(n: int) -> list[Connection]:
    """Return the hub's side of `n` pairings: copies of one would share their keys."""
    return [Couple(packets=_SMALL).pair().hub for _ in range(n)]


def branch[T](original: T) -> T:
    """Return a deep copy that shares the suites, which have no state."""
    shared = [*SUITES.values(), *device_suites.SUITES.values()]
    return copy.deepcopy(original, {id(suite): suite for suite in shared})


def replay(target: Any, tape: list[Call]) -> None:
    """Call everything on the tape."""
    for name, arguments in tape:
        getattr(target, name)(*arguments)


def replay_hub(hub: Connection, tape: list[Call], release: Callable[[Event], object] = lambda _event: None) -> None:
    """Call everything on a hub's tape and take its events as a client does, with a store that costs nothing."""
    for name, arguments in tape:
        getattr(hub, name)(*arguments)
        while events := hub.events():
            for event in events:
                if isinstance(event, Persist):
                    hub.persisted(arguments[-1])
                else:
                    release(event)

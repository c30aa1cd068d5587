"""A hub with several devices in virtual time: the real protocol for each, over a link of its own or over a relay's path.

What a Home Assistant does with paths (protocol.md 10), as little of it as an experiment needs: prefer what is heard directly,
else ask a relay that lists the device; keep the path open in a broadcast; let every relay that lists a device adopt it; take
another relay when one is gone, and then believe once more what all of them have told of the device.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.errors import LocalError
from custom_components.self_secure.protocol.events import (
    Event,
    LinkUnneeded,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    Transmit,
    Verdict,
)
from custom_components.self_secure.protocol.framing import Reassembler, fragment
from custom_components.self_secure.protocol.packets import FrameType

from .adoptions import ANSWER, NOWHERE, Adoptions
from .hub import LocalHub, MemoryStore
from .world import IDLE, PAYLOAD

if TYPE_CHECKING:
    from .house import House

TTL = 4
NEIGHBOURS, ENTRY = 5, 7  # tag of INFO, bytes of an entry
WHOLE = 1025  # bytes of a fragment on a path: a frame is one
HEARD = 3.0  # s; a beacon comes twice a second
REST = 1.0  # s after a link or path that led to nothing
RANDOM = 23  # bytes: sid, Seq, R


@dataclass(slots=True)
class Line:
    """One device as the hub sees it."""

    hub: LocalHub
    store: MemoryStore
    identity: bytes  # as far as it is known: the short id and zeros, or all of it
    events: list[Event] = field(default_factory=list)
    out: list[bytes] = field(default_factory=list)  # fragments for a link of its own
    heard: float = -HEARD
    direct: bool = False  # a link of its own
    relay: str = ""  # who has the path, or shall have it
    path: int = 0
    path_open: bool = False
    asked: float = 0.0
    active: bool = False  # the connection believes in a link
    quiet: float = 0.0
    rest: float = 0.0
    leave: bool = False
    reassembler: Reassembler = field(default_factory=Reassembler)

    def told(self, kind: type[Any]) -> list[Any]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def bodies(self, kind: int) -> list[bytes]:
        """Return the bodies of all messages of a type."""
        return [event.body for event in self.told(MessageReceived) if event.type == kind]


class PathHub:
    """`settings` are the same for all devices; `entropy` returns random bytes."""

    def __init__(self, settings: Settings, entropy: Callable[[int], bytes]) -> None:
        self._settings, self._entropy = settings, entropy
        self.lines: dict[str, Line] = {}
        self.lists: dict[str, dict[bytes, tuple[int, int]]] = {}  # relay → short id → (state and flags, hops)
        self.house: House
        self._paths = 0
        self.lives = 0  # that have ended: what came out of one of them is done by nobody
        self.adoptions = Adoptions(self)
        self.shunned: set[str] = set()  # relays that are not asked

    def enter(self, house: House) -> None:
        """Begin to know every device of the house by its short id."""
        self.house = house
        for name, station in house.stations.items():
            store = self._store(name)
            identity = bytes(station.node.core.identity[:4]) + bytes(12)
            self.lines[name] = Line(self._life(store), store, identity)

    def _store(self, _name: str) -> MemoryStore:
        """Return where a device's snapshots go."""
        return MemoryStore()

    def _life(self, store: MemoryStore) -> LocalHub:
        """Begin a life from what is on disk."""
        return LocalHub(self._settings, self._entropy, store)

    @property
    def now(self) -> float:
        """Seconds."""
        return self.house.now

    # --- the user

    def tell(self, name: str, method: str, *arguments: Any) -> Any:
        """Call an input of a device's connection and do what it says; return the input's result."""
        line, life = self.lines[name], self.lives
        result, events = line.hub.call(method, *arguments, self.now)
        identity = line.hub.connection.identity
        if identity is not None and identity[:4] == line.identity[:4]:  # somebody else may have answered in its place
            line.identity = identity
        for event in events:
            if life != self.lives:
                break
            if isinstance(event, Transmit):
                self._transmit(line, event.fragment)
            elif isinstance(event, LinkUnneeded):
                line.leave = True
            else:
                line.events.append(event)
                self._note(name, event)
        return result

    def answer(self, name: str, verdict: Verdict = Verdict.SAME) -> None:
        """Say whether the codes are the same."""
        self.tell(name, "answer", verdict)

    def restart(self, name: str) -> None:
        """Lose what the hub has in memory of a device, and the link to it."""
        self._drop(name)
        self.adoptions.forget(name)
        line = self.lines[name]
        if line.direct:
            self.house.disconnect(name)
        line.hub = self._life(line.store)

    def _note(self, name: str, event: Event) -> None:
        if isinstance(event, MessageDelivered):
            self.adoptions.invited(name, event.handle)
        if isinstance(event, PairingCompleted):
            self.adoptions.forget(name)
            self.adoptions.doubted |= {(relay, name) for relay in self.lines if relay != name}
        if not isinstance(event, MessageReceived):
            return
        if event.type == MessageType.INFO:
            self._listed(name, event.body)
        elif event.type == MessageType.ROUTE:
            self._routed(name, int.from_bytes(event.body[:2]), event.body[2:])
        elif event.type == MessageType.RELAY:
            self._carried(name, int.from_bytes(event.body[:2]), event.body[3:])

    def _listed(self, relay: str, body: bytes) -> None:
        if body[:1] != bytes([NEIGHBOURS]):
            return
        value = body[2 : 2 + body[1]]
        rows = {value[at : at + 4]: (value[at + 4], value[at + 6]) for at in range(0, len(value), ENTRY)}
        self.lists[relay] = rows
        for name in self.lines:
            self._believe(name, rows)

    def _believe(self, name: str, rows: dict[bytes, tuple[int, int]]) -> None:
        """Take what a relay tells of a device as if the hub had heard its beacon."""
        short = self.lines[name].identity[:4]
        if short in rows and not self.is_heard(name):
            self.tell(name, "beacon_seen", rows[short][0] & 0x0F)

    # --- links

    def is_heard(self, name: str) -> bool:
        """Whether a device is in reach of the hub itself."""
        return self.now - self.lines[name].heard < HEARD

    def heard(self, name: str, data: bytes) -> None:
        """Take an advertisement of a device."""
        line = self.lines[name]
        line.heard = self.now
        if data[7] == 0x52:
            self.tell(name, "random_packet", "own", data[8], int.from_bytes(data[9:11]), data[11:])
        else:
            self.tell(name, "beacon_seen", data[25] & 0x0F)

    def wants(self, name: str) -> bool:
        """Whether the hub wants to connect to a device, for its own sake or to reach another one through it."""
        line = self.lines[name]
        if line.direct or line.relay or self.now < line.rest or self.adoptions.adopting(name):
            return False
        return line.hub.view.wants_link or self._needed(name)

    def _needed(self, relay: str) -> bool:
        return self.adoptions.asked(relay) or self.carries(relay)

    def carries(self, relay: str) -> bool:
        """Whether a relay has, or shall have, the path to a device."""
        return any(line.relay == relay for line in self.lines.values())

    def keeps(self, name: str) -> bool:
        """Whether a link that the hub has shall stay."""
        line = self.lines[name]
        if line.leave or (self.adoptions.adopting(name) and not line.out):
            return False
        return self._needed(name) or line.hub.view.pairing or line.out != [] or self.now - line.quiet < IDLE

    def linked(self, name: str) -> None:
        """A device is connected directly: a path to it is not needed any more."""
        line = self.lines[name]
        line.direct, line.active, line.leave, line.quiet = True, True, False, self.now
        self.tell(name, "link_opened", PAYLOAD)

    def unlinked(self, name: str) -> None:
        """That link is gone, and all paths over it."""
        line = self.lines[name]
        line.direct, line.out, line.rest = False, [], self.now + REST
        self._inactive(name)
        for other in self.lines:
            if self.lines[other].relay == name:
                self._drop(other)
                self._wonder(other)
        self.adoptions.unlinked(name)

    def _inactive(self, name: str) -> None:
        line = self.lines[name]
        line.leave = False
        if line.active:
            line.active = False
            line.reassembler.reset()
            self.tell(name, "link_closed")

    def received(self, name: str, data: bytes) -> None:
        """Take a fragment of a device."""
        self.lines[name].quiet = self.now
        self.tell(name, "receive", data)

    def next_fragment(self, name: str) -> bytes | None:
        """Return what is to be written to a device."""
        out = self.lines[name].out
        return out.pop(0) if out else None

    def _transmit(self, line: Line, piece: bytes) -> None:
        line.quiet = self.now
        if line.direct:
            line.out.append(piece)
            return
        frame = line.reassembler.feed(piece)
        if frame is not None and line.relay:
            self.post(line.relay, MessageType.RELAY, line.path.to_bytes(2) + bytes([TTL]) + frame)

    # --- paths

    def timer(self) -> None:
        """Act on all deadlines, open and close paths."""
        for name, line in self.lines.items():
            deadline = line.hub.view.next_deadline
            if deadline is not None and deadline <= self.now:
                self.tell(name, "timer")
            self._attend(name, line)
        self.adoptions.promise()

    def _attend(self, name: str, line: Line) -> None:
        if line.relay:
            self._attend_path(name, line)
        elif line.hub.view.wants_link and not line.direct and self.now >= line.rest and not self.is_heard(name):
            self._ask(name, line)

    def _attend_path(self, name: str, line: Line) -> None:
        if not line.path_open and self.now >= line.asked + ANSWER:
            self._drop(name)
        elif line.leave or (line.active and not line.hub.view.pairing and self.now - line.quiet >= IDLE):
            self._inactive(name)
            if not line.hub.view.collecting:  # a broadcast comes over the path, too
                self._drop(name)
        elif line.path_open and not line.active and line.hub.view.wants_link:
            self._activate(name)

    def relays(self, name: str) -> list[str]:
        """Return the relays that list a device and may be asked, the nearest to it first."""
        short = self.lines[name].identity[:4]
        found = [
            (rows[short][1], relay)
            for relay, rows in self.lists.items()
            if short in rows
            and relay not in self.shunned
            and relay != name
            and self.lines[relay].hub.view.paired
            and not self.adoptions.adopting(relay)
        ]
        return [relay for _, relay in sorted(found) if self.is_heard(relay) or self.lines[relay].direct]

    def next_path(self) -> int:
        """Return a number that no path has had."""
        self._paths += 1
        return self._paths

    def _ask(self, name: str, line: Line) -> None:
        for relay in self.relays(name)[:1]:
            line.relay, line.path, line.path_open, line.asked = relay, self.next_path(), False, self.now
            self.post(relay, MessageType.ROUTE, line.path.to_bytes(2) + line.identity)

    def _routed(self, relay: str, path: int, identity: bytes) -> None:
        self.adoptions.adopted(relay, path, identity)
        for name, line in self.lines.items():
            if (line.relay, line.path) == (relay, path):
                if identity == NOWHERE:
                    line.relay = ""
                    line.rest = self.now + REST
                    self._inactive(name)
                    self._wonder(name)
                else:
                    line.path_open = True
                    self._activate(name)

    def _activate(self, name: str) -> None:
        line = self.lines[name]
        if line.hub.view.wants_link and not line.active:
            line.active, line.leave, line.quiet = True, False, self.now
            self.tell(name, "link_opened", WHOLE)

    def _carried(self, relay: str, path: int, inner: bytes) -> None:
        for name, line in self.lines.items():
            if (line.relay, line.path) == (relay, path):
                line.quiet = self.now
                self._inner(name, relay, inner)

    def _inner(self, name: str, relay: str, inner: bytes) -> None:
        if inner[0] == FrameType.RAND:
            for at in range(8, len(inner), RANDOM):
                sid, seq, value = inner[at], int.from_bytes(inner[at + 1 : at + 3]), inner[at + 3 : at + RANDOM]
                self.tell(name, "random_packet", relay, sid, seq, value)
        elif self.lines[name].active:
            for piece in fragment(inner, WHOLE):
                self.tell(name, "receive", piece)

    def _wonder(self, name: str) -> None:
        """A path has ended by itself: what was to be fetched may still be there, and nobody tells it twice."""
        for rows in list(self.lists.values()):
            self._believe(name, rows)

    def post(self, name: str, kind: int, body: bytes) -> int:
        """Send a message that belongs to a path; return its handle, 0 when there is no room for it."""
        try:
            handle: int = self.tell(name, "send", kind, body)
        except LocalError:
            return 0
        return handle

    def identity(self, name: str) -> bytes:
        """Return a device's identity as far as it is known."""
        identity: bytes | None = self.lines[name].hub.connection.identity
        return identity or self.lines[name].identity

    def _drop(self, name: str) -> None:
        """Give a path up; the relay is told if it is there."""
        line = self.lines[name]
        relay, line.relay, line.rest = line.relay, "", self.now + REST
        self._inactive(name)
        if relay and self.lines[relay].direct:
            self.post(relay, MessageType.ROUTE, line.path.to_bytes(2) + NOWHERE)

    @property
    def deadlines(self) -> Iterator[float]:
        """When the hub wants to be called."""
        for line in self.lines.values():
            if line.hub.view.next_deadline is not None:
                yield line.hub.view.next_deadline
            later = [line.quiet + IDLE, line.rest, line.heard + HEARD]
            yield from (time for time in later if time > self.now)

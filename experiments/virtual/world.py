"""One hub and one device in virtual time: broadcasts are lost, links are not, the clock jumps to the next event."""

from collections.abc import Callable
from dataclasses import dataclass, field

from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.events import CodeReady, Event, LinkUnneeded, Transmit
from custom_components.self_secure.protocol.framing import Reassembler
from custom_components.self_secure.protocol.packets import Frame, FrameType
from simulation.loss import LossModel

from .hub import Hub, HubDiedError
from .node import Node

PAYLOAD = 244  # MTU 247
EXCHANGE = 0.004  # s per fragment, as measured on Bumble (device.md)
CONNECT = 0.05  # s
IDLE = 3.0  # s without traffic before the hub's client hangs up; never in a negotiation
BEACON = 1.0  # s between two beacons that the hub hears
NUMBER, TYPE = 0x7F, 0x7F  # of a fragment, and of the frame that it begins, whatever the suite
AFTER_REFUSAL = 1.0  # s before a hub whose link was useless tries again


@dataclass(slots=True)
class Broadcast:
    """What was on the air, and who missed it."""

    sent: int = 0
    heard_by_eve: set[int] = field(default_factory=set)
    heard: dict[str, int] = field(default_factory=dict)


class World:
    """Drives both sides; `on_event` hears all that the hub says besides bytes."""

    def __init__(self, hub: Hub, node: Node, scanners: dict[str, LossModel], eve: LossModel, on_event: Callable[[Event], None]) -> None:
        self.hub, self.node = hub, node
        self._scanners, self._eve, self._on_event = scanners, eve, on_event
        self.now = 0.0
        self.linked = False
        self.broadcast = Broadcast()
        self.revive: Callable[[], Hub] | None = None
        self.tamper: Callable[[int, bytes], bytes | None] = lambda _type, fragment: fragment  # None: lost on the way
        self.reachable = True
        self.deaths = 0
        self._connect_at: float | None = None
        self._air_at: float | None = None
        self._beacon_at = 0.0
        self._quiet_since = 0.0
        self._hang_up = False
        self._up = self._down = -1  # types of the frames that are on their way
        self._agreed: tuple[int, ...] = ()
        self._tap = Reassembler()

    def agreed(self) -> list[int]:
        """S' as the device's ACK named it; empty before that."""
        return list(self._agreed)

    # --- the clock

    def run(self, done: Callable[[], bool], limit: float) -> bool:
        """Go on until `done` or for `limit` seconds; return whether it is done."""
        end = self.now + limit
        while not done() and self.now < end:
            self.step(end)
        return done()

    def step(self, end: float) -> None:
        """Jump to the next thing that happens, at most to `end`."""
        self._plan()
        times = [
            self._connect_at,
            self._air_at,
            self._beacon_at,
            self.hub.view.next_deadline,
            self._device_deadline(),
            self._idle_at(),
            end,
        ]
        self.now = max(self.now, min(time for time in times if time is not None))
        try:
            self._act()
        except HubDiedError as death:
            self._bury(death)

    def _plan(self) -> None:
        airing = self.node.core.broadcasting and not self.linked
        self._air_at = (self._air_at or self.now + self._interval()) if airing else None
        wanted = self.hub.view.wants_link and not self.linked and self.reachable
        self._connect_at = (self._connect_at or self.now + CONNECT) if wanted else None

    def _interval(self) -> float:
        return float(self.node.core.interval) / 1000

    def _device_deadline(self) -> float | None:
        deadline = self.node.core.deadline
        return None if deadline is None else max(self.now, deadline / 1000)

    def _idle_at(self) -> float | None:
        return self._quiet_since + IDLE if self.linked and not self.hub.view.pairing else None

    @property
    def _ms(self) -> int:
        return round(self.now * 1000)

    # --- what happens

    def _act(self) -> None:
        self.node.core.poll(self._ms)
        deadline = self.hub.view.next_deadline
        if deadline is not None and deadline <= self.now:
            self.tell("timer", self.now)
        if self._connect_at is not None and self._connect_at <= self.now:
            self._connect()
        if self._air_at is not None and self._air_at <= self.now:
            self._air()
        if self._beacon_at <= self.now:
            self._beacon()
        self.exchange()
        idle = self._idle_at()
        if self._hang_up or (idle is not None and idle <= self.now):
            self.disconnect()

    def tell(self, name: str, *arguments: object) -> object:
        """Call the hub and do what it says."""
        result, events = self.hub.call(name, *arguments)
        self._obey(events)
        return result

    def attempt(self, name: str, *arguments: object) -> object:
        """As `tell`, from outside of `run`: if the hub dies of it, it is buried."""
        try:
            return self.tell(name, *arguments)
        except HubDiedError as death:
            self._bury(death)
            return None

    def _obey(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Transmit):
                self._quiet_since = self.now
                self._deliver(event.fragment)
            elif isinstance(event, LinkUnneeded):
                self._hang_up = True
            else:
                self._on_event(event)

    def _deliver(self, fragment: bytes) -> None:
        self._down = fragment[1] & TYPE if not fragment[0] & NUMBER else self._down
        arrived = self.tamper(self._down, fragment)
        if arrived is not None:
            self.node.core.received(arrived, self._ms)

    def exchange(self) -> None:
        """Move fragments until nobody has any."""
        while self.linked and (fragment := self.node.core.next_fragment()) is not None:
            self.now += EXCHANGE
            self._quiet_since = self.now
            self._up = fragment[1] & TYPE if not fragment[0] & NUMBER else self._up
            arrived = self.tamper(self._up, fragment)
            if arrived is not None:
                self._listen(arrived)
                self.tell("receive", arrived, self.now)

    def _listen(self, fragment: bytes) -> None:
        """Read along what is public: the set in ACK."""
        raw = self._tap.feed(fragment)
        if raw is not None and raw[0] == FrameType.ACK:
            self._agreed, _ = sets.decode_prefix(Frame.decode(raw).message)

    def _connect(self) -> None:
        self._connect_at = None
        self.linked, self._hang_up, self._quiet_since = True, False, self.now
        self.node.core.connected(PAYLOAD + 3)
        self.node.core.subscribed(self._ms)
        self.tell("link_opened", PAYLOAD, self.now)

    def disconnect(self) -> None:
        """The link drops, at both ends."""
        if self.linked:
            self.linked, self._hang_up = False, False
            self.node.core.disconnected()
            self.tell("link_closed", self.now)
            self._connect_at = self.now + AFTER_REFUSAL

    def _air(self) -> None:
        self._air_at = None
        if not self.node.core.broadcasting:  # what happened just before has ended it
            return
        payload = self.node.core.next_random()
        sid, seq, value = payload[8], int.from_bytes(payload[9:11]), payload[11:31]
        self.broadcast.sent += 1
        if not self._eve.lost():
            self.broadcast.heard_by_eve.add(seq)
        for name in [name for name, model in self._scanners.items() if not model.lost()]:
            self.broadcast.heard[name] = self.broadcast.heard.get(name, 0) + 1
            self.tell("random_packet", name, sid, seq, value, self.now)

    def _beacon(self) -> None:
        self._beacon_at = self.now + BEACON
        if not self.linked and not self.node.core.broadcasting:
            self.tell("beacon_seen", self.node.core.state, self.now)

    def _bury(self, death: HubDiedError) -> None:
        """What the hub sent before it died has arrived; its link drops; a new hub starts from the disk."""
        self.deaths += 1
        self._obey(death.events)
        if self.linked:
            self.linked, self._hang_up = False, False
            self.node.core.disconnected()
        self._connect_at = None
        if self.revive is None:
            raise death
        self.hub = self.revive()


def code_of(event: Event) -> str | None:
    """Return the code that an event shows, if it does."""
    return event.code if isinstance(event, CodeReady) else None

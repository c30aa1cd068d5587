"""One device and several hubs in virtual time: each hub hears the broadcast with its own losses, one is connected at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from custom_components.self_secure.protocol.events import Event, LinkUnneeded, Transmit
from custom_components.self_secure.protocol.framing import Reassembler
from simulation.loss import LossModel

from .hub import Hub
from .node import Node
from .world import AFTER_REFUSAL, BEACON, CONNECT, EXCHANGE, IDLE, PAYLOAD


@dataclass(slots=True)
class Site:
    """One hub, its receivers, and what it said."""

    name: str
    hub: Hub
    scanners: Mapping[str, LossModel]
    events: list[Event] = field(default_factory=list)
    heard: dict[int, bytes] = field(default_factory=dict)  # R by Seq, of every packet that any of its receivers got
    frames: list[bytes] = field(default_factory=list)  # whole ones, both ways, as a listener reads them
    reachable: bool = True
    connect_at: float | None = None
    taps: tuple[Reassembler, Reassembler] = field(default_factory=lambda: (Reassembler(), Reassembler()))

    def told[E: Event](self, kind: type[E]) -> list[E]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


class Town:
    """Drives the device and all hubs; the clock jumps to the next event."""

    def __init__(self, sites: list[Site], node: Node) -> None:
        self.sites, self.node = sites, node
        self.now = 0.0
        self.linked: Site | None = None
        self.sent: list[int] = []  # Seq of the broadcast so far
        self.connections = 0
        self.tamper: Callable[[bytes], bytes | None] = lambda fragment: fragment  # None: lost on the way
        self._air_at: float | None = None
        self._beacon_at = 0.0
        self._quiet_since = 0.0
        self._hang_up = False

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
        deadlines = [site.hub.view.next_deadline for site in self.sites]
        times = [
            *(site.connect_at for site in self.sites),
            *deadlines,
            self._air_at,
            self._beacon_at,
            self._device_deadline(),
            self._idle_at(),
        ]
        self.now = max(self.now, min((time for time in times if time is not None and time < end), default=end))
        self._act()

    def _plan(self) -> None:
        airing = self.node.core.broadcasting and self.linked is None
        self._air_at = (self._air_at or self.now + float(self.node.core.interval) / 1000) if airing else None
        for site in self.sites:
            wanted = site.hub.view.wants_link and self.linked is None and site.reachable
            site.connect_at = (site.connect_at or self.now + CONNECT) if wanted else None

    def _device_deadline(self) -> float | None:
        deadline = self.node.core.deadline
        return None if deadline is None else max(self.now, deadline / 1000)

    def _idle_at(self) -> float | None:
        busy = self.linked is None or self.linked.hub.view.pairing
        return None if busy else self._quiet_since + IDLE

    @property
    def _ms(self) -> int:
        return round(self.now * 1000)

    # --- what happens

    def _act(self) -> None:
        self.node.core.poll(self._ms)
        for site in self.sites:
            deadline = site.hub.view.next_deadline
            if deadline is not None and deadline <= self.now:
                self.tell(site, "timer", self.now)
            if site.connect_at is not None and site.connect_at <= self.now and self.linked is None:
                self._connect(site)
        if self._air_at is not None and self._air_at <= self.now:
            self._air()
        if self._beacon_at <= self.now:
            self._beacon()
        self._exchange()
        idle = self._idle_at()
        self._hang_up |= self.linked is not None and self.node.core.yields
        if self._hang_up or (idle is not None and idle <= self.now):
            self.disconnect()

    def tell(self, site: Site, name: str, *arguments: object) -> object:
        """Call a hub and do what it says."""
        result, events = site.hub.call(name, *arguments)
        for event in events:
            if isinstance(event, Transmit):
                self._deliver(site, event.fragment)
            elif isinstance(event, LinkUnneeded):
                self._hang_up |= site is self.linked
            else:
                site.events.append(event)
        return result

    def _deliver(self, site: Site, fragment: bytes) -> None:
        self._quiet_since = self.now
        arrived = self.tamper(fragment)
        if arrived is not None and site is self.linked:
            self._tap(site, 0, arrived)
            self.node.core.received(arrived, self._ms)

    @staticmethod
    def _tap(site: Site, way: int, fragment: bytes) -> None:
        frame = site.taps[way].feed(fragment)
        site.frames += [frame] if frame is not None else []

    def _exchange(self) -> None:
        while self.linked is not None and (fragment := self.node.core.next_fragment()) is not None:
            self.now += EXCHANGE
            self._quiet_since = self.now
            arrived = self.tamper(fragment)
            if arrived is not None:
                self._tap(self.linked, 1, arrived)
                self.tell(self.linked, "receive", arrived, self.now)

    def _connect(self, site: Site) -> None:
        site.connect_at = None
        self.linked, self._hang_up, self._quiet_since = site, False, self.now
        self.connections += 1
        self.node.core.connected(PAYLOAD + 3)
        self.node.core.subscribed(self._ms)
        self.tell(site, "link_opened", PAYLOAD, self.now)

    def disconnect(self) -> None:
        """The link drops, at both ends."""
        site, self.linked, self._hang_up = self.linked, None, False
        if site is not None:
            self.node.core.disconnected()
            self.tell(site, "link_closed", self.now)
            site.connect_at = self.now + AFTER_REFUSAL

    def _air(self) -> None:
        self._air_at = None
        if not self.node.core.broadcasting:  # what happened just before has ended it
            return
        payload = self.node.core.next_random()
        sid, seq, value = payload[8], int.from_bytes(payload[9:11]), payload[11:31]
        self.sent.append(seq)
        for site in self.sites:
            for name in [name for name, model in site.scanners.items() if not model.lost()]:
                site.heard[seq] = value
                self.tell(site, "random_packet", name, sid, seq, value, self.now)

    def _beacon(self) -> None:
        self._beacon_at = self.now + BEACON
        if self.linked is None and not self.node.core.broadcasting:
            for site in self.sites:
                self.tell(site, "beacon_seen", self.node.core.state, self.now)

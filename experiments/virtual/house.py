"""Several devices, some of them relays, and one hub in virtual time: who hears whom is a graph, the clock jumps.

Broadcasts lose packets, links do not. A device has one central at a time, and its beacon is off the air meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulation.loss import LossModel

from .carrying import Carrying
from .node import Node
from .path_hub import PathHub
from .world import CONNECT, EXCHANGE

HUB = "hub"
BEACON = 0.5  # s between two beacons that arrive
MTU = 247
RSSI = -60


@dataclass(slots=True)
class Station:
    """One device and what its radio does."""

    name: str
    node: Node
    address: str
    on: bool = True
    central: str | None = None  # who is connected to it
    air_at: float = 0.0
    connect_at: float | None = None
    connecting: str = ""

    @property
    def relay(self) -> Any:
        """The relay in it, or None."""
        return self.node.relay if isinstance(self.node, Carrying) else None

    @property
    def deadlines(self) -> Iterator[float]:
        """When core or relay want to be called, in s."""
        for part in (self.node.core, self.relay):
            if part is not None and part.deadline is not None:
                yield part.deadline / 1000


class House:
    """`near` are the pairs of names that hear each other; `losses(sender, receiver)` makes the channel of a pair."""

    def __init__(
        self, hub: PathHub, nodes: Mapping[str, Node], near: Iterable[tuple[str, str]], losses: Callable[[str, str], LossModel]
    ) -> None:
        self.hub = hub
        self.stations = {name: Station(name, node, f"C0:00:00:00:00:{number:02X}") for number, (name, node) in enumerate(nodes.items(), 1)}
        self.near = {frozenset(pair) for pair in near}
        self.now = 0.0
        self.tamper: Callable[[str, str, bytes], bytes | None] = lambda _sender, _receiver, fragment: fragment
        self._losses, self._channels = losses, dict[tuple[str, str], LossModel]()
        hub.enter(self)

    # --- the clock

    def run(self, done: Callable[[], bool], limit: float) -> bool:
        """Go on until `done` or for `limit` seconds; return whether it is done."""
        end = self.now + limit
        while not done() and self.now < end:
            self.step(end)
        return done()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.run(lambda: False, seconds)

    def step(self, end: float) -> None:
        """Jump to the next thing that happens, at most to `end`."""
        times = [end, *self.hub.deadlines]
        for station in self._running():
            times += station.deadlines
            times += [time for time in (station.connect_at, None if station.central else station.air_at) if time is not None]
        self.now = max(self.now, min(times))
        self._act()

    @property
    def ms(self) -> int:
        """The devices' clock."""
        return round(self.now * 1000)

    def _running(self) -> list[Station]:
        return [station for station in self.stations.values() if station.on]

    def guard(self, _name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a device; whoever injects faults takes what goes wrong here."""
        return call(*arguments)

    # --- what happens

    def _act(self) -> None:
        for station in self._running():
            self.guard(station.name, self._poll, station)
        self.hub.timer()
        for station in self._running():
            if station.central is None and station.air_at <= self.now:
                self._air(station)
            if station.connect_at is not None and station.connect_at <= self.now:
                self._connect(station)
        self.exchange()
        self._hang_up()

    def _poll(self, station: Station) -> None:
        station.node.core.poll(self.ms)
        if station.relay is not None:
            station.relay.poll(self.ms)

    def hears(self, one: str, other: str) -> bool:
        """Whether two of them are in reach of each other, and on."""
        powered = all(name == HUB or self.stations[name].on for name in (one, other))
        return powered and frozenset((one, other)) in self.near

    def lost(self, sender: str, receiver: str) -> bool:
        """Whether one packet of a broadcast is lost between two."""
        key = (sender, receiver)
        self._channels[key] = self._channels.get(key) or self._losses(*key)
        return self._channels[key].lost()

    def _air(self, station: Station) -> None:
        core = station.node.core
        broadcasting = core.broadcasting
        data = core.next_random() if broadcasting else core.beacon()[0]
        station.air_at = self.now + (core.interval / 1000 if broadcasting else BEACON)
        for other in self._running():
            if other.relay is not None and self.hears(station.name, other.name) and not self.lost(station.name, other.name):
                self.guard(other.name, other.relay.heard, station.address, RSSI, data, self.ms)
        if self.hears(station.name, HUB) and not self.lost(station.name, HUB):
            self.hub.heard(station.name, data)
        self._invite(station)

    def _invite(self, station: Station) -> None:
        """Who wants this device connects to it now that it is heard; the hub comes first."""
        if station.connect_at is None:
            wanting = [HUB] if self.hub.wants(station.name) else []
            wanting += [other.name for other in self._running() if other.relay is not None and station.address in other.relay.wanted]
            for name in [name for name in wanting if self.hears(station.name, name)][:1]:
                station.connect_at, station.connecting = self.now + CONNECT, name

    def _connect(self, station: Station) -> None:
        station.connect_at = None
        name = station.connecting
        wanted = self.hub.wants(station.name) if name == HUB else station.address in self.stations[name].relay.wanted
        if station.central is not None or not wanted or not self.hears(station.name, name):
            return
        station.central = name
        station.node.core.connected(MTU)
        self.guard(station.name, station.node.core.subscribed, self.ms)
        if station.central != name:  # it has not survived that
            return
        if name == HUB:
            self.hub.linked(station.name)
        else:
            self.guard(name, self.stations[name].relay.linked, station.address, MTU, self.ms)

    def _hang_up(self) -> None:
        """End the links that nobody wants, or that have been torn."""
        for station in self.stations.values():
            if station.central == HUB:
                wanted = self.hub.keeps(station.name)
            else:
                wanted = station.central is not None and station.address in self.stations[station.central].relay.wanted
            if station.central is not None and not (wanted and self.hears(station.name, station.central)):
                self.disconnect(station.name)

    def disconnect(self, name: str) -> None:
        """The link to a device drops, at both ends."""
        station = self.stations[name]
        central, station.central = station.central, None
        station.air_at = self.now
        if central is None:
            return
        self.guard(name, station.node.core.disconnected)
        if central == HUB:
            self.hub.unlinked(name)
        elif self.stations[central].on:
            self.guard(central, self.stations[central].relay.unlinked, station.address, self.ms)

    def power_off(self, name: str) -> None:
        """Kill a device: its links drop, its memory is gone."""
        for other in self.stations.values():
            if name in (other.name, other.central):
                self.disconnect(other.name)
        self.stations[name].on = False

    def power_on(self, name: str) -> None:
        """Start it again from its storage."""
        station = self.stations[name]
        station.node.power_cut()
        station.on, station.air_at, station.connect_at = True, self.now, None

    # --- links

    def exchange(self) -> None:
        """Move fragments until nobody has any."""
        moved = [True]
        while any(moved):
            moved = [self._pass_on(station) for station in self._running() if station.central is not None]

    def _pass_on(self, station: Station) -> bool:
        """Move one fragment each way; return whether there was one."""
        central = str(station.central)
        up = self.guard(station.name, station.node.core.next_fragment)
        if up is not None:
            self.transfer(station.name, central, up)
        if station.central != central:
            return True
        if central == HUB:
            down = self.hub.next_fragment(station.name)
        else:
            down = self.guard(central, self.stations[central].relay.next_fragment, station.address)
        if down is not None:
            self.transfer(central, station.name, down)
        return up is not None or down is not None

    def transfer(self, sender: str, receiver: str, fragment: bytes) -> None:
        """Let a fragment travel over a link, whatever happens to it on its way."""
        arrived = self.tamper(sender, receiver, fragment)
        self.now += EXCHANGE
        if arrived is not None:
            self.hand_over(sender, receiver, arrived)

    def hand_over(self, sender: str, receiver: str, fragment: bytes) -> None:
        """Let a fragment arrive, if there is still a link."""
        if receiver == HUB:
            if self.stations[sender].central == HUB:
                self.hub.received(sender, fragment)
        elif self.stations[receiver].central == sender:
            self.guard(receiver, self.stations[receiver].node.core.received, fragment, self.ms)
        elif sender != HUB and self.stations[sender].central == receiver:
            self.guard(receiver, self.stations[receiver].relay.received, self.stations[sender].address, fragment, self.ms)

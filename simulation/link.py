"""The air: carries every packet between controllers that hear each other, and loses advertisements on the way."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import override

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

from simulation.advertising import AdvertisingEvent, Floor
from simulation.controller import RadioController
from simulation.loss import LossModel
from simulation.places import Place
from simulation.reach import Packet, Reach
from simulation.supervision import Bond, End, Supervision


@dataclass(slots=True)
class Statistics:
    """Advertising packets of one station since the world began."""

    sent: int = 0
    too_fast: int = 0
    """Not sent, because they would have broken the 20 ms floor."""
    received: int = 0
    lost: int = 0
    """Would have been received, had the channel not lost them."""


class Station:
    """A sender and receiver at a place: its losses are its own, whoever holds its controller.

    `place` and `on` (whether it is on the air) may change at any time; `LossyLink.review` makes connections notice.

    Args:
        name: unique in the world; it seeds the losses together with the sender's name.
        place: where it stands.
        seed: the world's.
        loss: mean loss at this receiver, `burst` the mean number of losses in a row (see `LossModel`).

    Raises:
        ValueError: `loss` or `burst` outside the range of `LossModel`.
    """

    def __init__(self, name: str, place: Place, *, seed: int, loss: float, burst: float = 1.0) -> None:
        self.name, self.place, self.on = name, place, True
        self.statistics = Statistics()
        self._received: Counter[str] = Counter()
        self._seed = seed
        self._channels: dict[str, LossModel] = {}
        self._response_channels: dict[str, LossModel] = {}
        self.set_loss(loss, burst)

    def set_loss(self, loss: float, burst: float = 1.0) -> None:
        """Change the losses of this receiver from the next packet on.

        Raises:
            ValueError: outside the range of `LossModel`.
        """
        LossModel(0, loss, burst)  # the check alone, before anything changes
        self._loss, self._burst = loss, burst
        for channel in (*self._channels.values(), *self._response_channels.values()):
            channel.set(loss, burst)

    def loses(self, sender: str, *, response: bool = False) -> bool:
        """Whether the next advertisement (or scan response) of `sender` is lost here.

        Each sender has a channel and a generator of its own, so what others send changes nothing.
        """
        channels = self._response_channels if response else self._channels
        if sender not in channels:
            kind = "response" if response else "advertisement"
            channels[sender] = LossModel(f"{self._seed}/{self.name}/{sender}/{kind}", self._loss, self._burst)
        return channels[sender].lost()

    def count(self, sender: str, *, lost: bool) -> None:
        """Count an advertisement that came here, or was lost on its way."""
        self.statistics.lost += lost
        self.statistics.received += not lost
        self._received[sender] += not lost

    def describe(self) -> dict[str, object]:
        """Its place, losses and statistics, for the control port; `received_from` counts by sender."""
        where = {"place": self.place.encode(), "on": self.on, "loss": self._loss, "burst": self._burst}
        return {**where, **asdict(self.statistics), "received_from": dict(+self._received)}


type Listener = Callable[[AdvertisingEvent, int], None]
"""Called with each advertising event a listener receives, and its strength in dBm."""


class LossyLink(LocalLink):
    """Bumble's link with losses and a reach per receiver. Only advertisements are lost: a connection repeats what it loses.

    Args:
        reach: what distance does; by default nothing.
        supervision: carries the packets of connections, and ends those whose ends do not hear each other.
    """

    def __init__(self, reach: Reach | None = None, supervision: Supervision | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble leaves its signature unannotated
        self.reach = reach or Reach()
        self._supervision = supervision or Supervision()
        self._stations: dict[Controller, Station] = {}
        self._listeners: list[tuple[Station, Listener]] = []
        self._floors: dict[str, Floor] = {}

    def join(self, controller: RadioController, station: Station) -> None:
        """Put a controller on the air at a station."""
        self.add_controller(controller)
        self._stations[controller] = station

    def leave(self, controller: RadioController) -> None:
        """Take a controller off the air; its peers notice after the supervision timeout."""
        for bond in self.bonds(controller):
            self._supervision.lapse(bond)
        self.controllers.discard(controller)
        self._stations.pop(controller, None)

    def listen(self, station: Station, listener: Listener) -> None:
        """Let somebody without a controller (Eve) receive all advertisements at a station."""
        self._listeners.append((station, listener))

    def close(self) -> None:
        """Forget the connections that would still have timed out."""
        self._supervision.close()

    # Who hears whom

    def hears(self, receiver: Station, sender: Station) -> bool:
        """Whether a station is in reach of another one, and both are on the air."""
        return receiver is not sender and receiver.on and sender.on and self.reach.covers(receiver.place, sender.place)

    def review(self) -> None:
        """Look again who hears whom, after a station was moved or switched: some connections lapse, others go on."""
        self._supervision.recover(self._audible)
        for controller in self._stations:
            for bond in self.bonds(controller):
                if not self._audible(bond):
                    self._supervision.lapse(bond)

    def _audible(self, bond: Bond) -> bool:
        one, other = (self._stations.get(end.controller) for end in bond)
        return one is not None and other is not None and self.hears(one, other)

    # Advertising

    @override
    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        match packet:
            case ll.ConnectInd():
                self._connect(sender_controller, packet)
            case AdvertisingEvent():
                self._advertise(self._stations[sender_controller], packet)

    def _advertise(self, sender: Station, event: AdvertisingEvent) -> None:
        loop = asyncio.get_running_loop()
        if not sender.on:
            return
        if not self._floors.setdefault(f"{sender.name} {event.address}", Floor()).allows(loop.time()):
            sender.statistics.too_fast += 1
            return
        sender.statistics.sent += 1
        packet = self.reach.send(sender.name, sender.place, event.data)
        response = self.reach.send(sender.name, sender.place, event.scan_response, response=True)
        for receiver, station in self._stations.items():
            if isinstance(receiver, RadioController) and receiver.listening and self._arrives(station, sender, packet):
                lost = self._loses(station, response)
                strength = self.reach.strength(sender.place, station.place)
                loop.call_soon(partial(receiver.hear, event, strength, response_lost=lost))
        for station, listener in self._listeners:
            if self._arrives(station, sender, packet):
                listener(event, self.reach.strength(sender.place, station.place))

    def _arrives(self, station: Station, sender: Station, packet: Packet) -> bool:
        if not self.hears(station, sender):
            return False
        lost = self._loses(station, packet)
        station.count(sender.name, lost=lost)
        return not lost

    def _loses(self, station: Station, packet: Packet) -> bool:
        """Whether the channel or the distance loses it; both take their random numbers whatever the other does."""
        channel = station.loses(packet.sender, response=packet.response)
        return self.reach.loses(packet, station.name, station.place) or channel

    # Connections

    def _connect(self, central: Controller, packet: ll.ConnectInd) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self._on_connect_ind, central, packet)

    def _on_connect_ind(self, central: Controller, packet: ll.ConnectInd) -> None:
        for one, station in list(self._stations.items()):
            if isinstance(one, RadioController) and one.accepts(packet) and self._reaches(central, station):
                one.on_le_connect_ind(packet)
                return
        # It stopped advertising or went out of reach meanwhile, or another central was first
        connection = central.le_connections.get(packet.advertiser_address)
        if connection and isinstance(central, RadioController):
            central.drop(connection, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    def _reaches(self, controller: Controller, station: Station) -> bool:
        sender = self._stations.get(controller)
        return sender is not None and self.hears(station, sender)

    def peer_of(self, connection: Connection) -> End | None:
        """Find the other end of a connection; None when its controller is gone."""
        for one in self.controllers:
            other = one.le_connections.get(connection.self_address)
            if other and other.self_address == connection.peer_address and isinstance(one, RadioController):
                return End(one, other)
        return None

    def bonds(self, controller: Controller) -> list[Bond]:
        """Find the connections of a controller that have another end."""
        return [
            (End(controller, one), peer)
            for one in controller.le_connections.values()
            if isinstance(controller, RadioController) and (peer := self.peer_of(one))
        ]

    @override
    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        # Bumble takes the controller's random address for the connection's own: wrong with several advertising sets
        connection = sender_controller.le_connections.get(destination_address)
        if connection and (peer := self.peer_of(connection)):
            self._supervision.deliver(peer, partial(peer.controller.on_link_acl_data, connection.self_address, transport, data))

    @override
    def send_ll_control_pdu(self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu) -> None:
        # The receiver may have vanished: then a real sender would wait for its supervision timeout in silence
        for one in self.controllers:
            connection = one.le_connections.get(sender_address)
            if connection and connection.self_address == receiver_address and isinstance(one, RadioController):
                self._supervision.deliver(End(one, connection), partial(one.on_ll_control_pdu, sender_address, packet))
                return

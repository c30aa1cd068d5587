"""The air: carries every packet between controllers, and loses advertisements on the way."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import override

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

from simulation.advertising import AdvertisingEvent, Floor
from simulation.controller import RadioController
from simulation.loss import LossModel
from simulation.places import Place, rssi


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

    Args:
        name: unique in the world; it seeds the losses together with the sender's name.
        place: where it stands.
        seed: the world's.
        loss: mean loss at this receiver, `burst` the mean number of losses in a row (see `LossModel`).

    Raises:
        ValueError: `loss` or `burst` outside the range of `LossModel`.
    """

    def __init__(self, name: str, place: Place, *, seed: int, loss: float, burst: float = 1.0) -> None:
        self.name, self.place = name, place
        self.statistics = Statistics()
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

    def describe(self) -> dict[str, object]:
        """Its losses and statistics, for the control port."""
        return {"loss": self._loss, "burst": self._burst, **asdict(self.statistics)}


type Listener = Callable[[AdvertisingEvent, int], None]
"""Called with each advertising event a listener receives, and its strength in dBm."""


class LossyLink(LocalLink):
    """Bumble's link with losses per receiver. Only advertisements are lost: a connection repeats what it loses."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble leaves its signature unannotated
        self._stations: dict[Controller, Station] = {}
        self._listeners: list[tuple[Station, Listener]] = []
        self._floors: dict[str, Floor] = {}

    def join(self, controller: RadioController, station: Station) -> None:
        """Put a controller on the air at a station."""
        self.add_controller(controller)
        self._stations[controller] = station

    def leave(self, controller: RadioController) -> None:
        """Take a controller off the air; its peers notice nothing yet."""
        self.controllers.discard(controller)
        self._stations.pop(controller, None)

    def listen(self, station: Station, listener: Listener) -> None:
        """Let somebody without a controller (Eve) receive all advertisements at a station."""
        self._listeners.append((station, listener))

    # Advertising

    @override
    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        match packet:
            case ll.ConnectInd():
                self._connect(sender_controller, packet)
            case AdvertisingEvent():
                self._advertise(sender_controller, packet)

    def _advertise(self, controller: Controller, event: AdvertisingEvent) -> None:
        loop = asyncio.get_running_loop()
        sender = self._stations[controller]
        if not self._floors.setdefault(f"{sender.name} {event.address}", Floor()).allows(loop.time()):
            sender.statistics.too_fast += 1
            return
        sender.statistics.sent += 1
        for receiver, station in self._stations.items():
            if receiver is not controller and isinstance(receiver, RadioController) and receiver.listening:
                self._reach(receiver, station, sender, event)
        for station, listener in self._listeners:
            if self._arrives(station, sender):
                listener(event, rssi(sender.place, station.place))

    def _reach(self, receiver: RadioController, station: Station, sender: Station, event: AdvertisingEvent) -> None:
        if not self._arrives(station, sender):
            return
        response_lost = station.loses(sender.name, response=True)
        strength = rssi(sender.place, station.place)
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: receiver.hear(event, strength, response_lost=response_lost))

    @staticmethod
    def _arrives(station: Station, sender: Station) -> bool:
        lost = station.loses(sender.name)
        station.statistics.lost += lost
        station.statistics.received += not lost
        return not lost

    # Connections

    def _connect(self, central: Controller, packet: ll.ConnectInd) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self._on_connect_ind, central, packet)

    def _on_connect_ind(self, central: Controller, packet: ll.ConnectInd) -> None:
        address = packet.advertiser_address
        for one in list(self.controllers):
            if isinstance(one, RadioController) and one.advertises(address):
                one.on_le_connect_ind(packet)
                return
        # It stopped advertising meanwhile, or another central was first
        connection = central.le_connections.get(address)
        if connection and isinstance(central, RadioController):
            central.drop(connection, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    def peer_of(self, connection: Connection) -> tuple[RadioController, Connection] | None:
        """Find the other end of a connection; None when its controller is gone."""
        for one in self.controllers:
            other = one.le_connections.get(connection.self_address)
            if other and other.self_address == connection.peer_address and isinstance(one, RadioController):
                return one, other
        return None

    @override
    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        # Bumble takes the controller's random address for the connection's own: wrong with several advertising sets
        connection = sender_controller.le_connections.get(destination_address)
        if connection and (peer := self.peer_of(connection)):
            loop = asyncio.get_running_loop()
            loop.call_soon(peer[0].on_link_acl_data, connection.self_address, transport, data)

    @override
    def send_ll_control_pdu(self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu) -> None:
        # The receiver may have vanished: then a real sender would wait for its supervision timeout in silence
        for one in self.controllers:
            connection = one.le_connections.get(sender_address)
            if connection and connection.self_address == receiver_address:
                asyncio.get_running_loop().call_soon(one.on_ll_control_pdu, sender_address, packet)
                return

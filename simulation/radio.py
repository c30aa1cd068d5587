"""One radio of the world: a station, and the controller that a host is using there at the moment."""

from typing import TYPE_CHECKING

from bumble import hci
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink, TransportSink

from simulation.controller import RadioController
from simulation.port import ControllerPort
from simulation.supervision import End

if TYPE_CHECKING:
    from simulation.link import LossyLink, Station


class Radio:
    """A radio with an address of its own; its host may come, die and come again.

    Args:
        link: the air.
        station: where it stands and what it loses.
        address: its public address, as the host reads it (HCI Read BD_ADDR).
    """

    def __init__(self, link: LossyLink, station: Station, address: str) -> None:
        self.link, self.station, self.address = link, station, address
        self.controller: RadioController | None = None
        self.port = ControllerPort(self._on_host, self.vanish)

    @property
    def name(self) -> str:
        """The station's name."""
        return self.station.name

    @property
    def addresses(self) -> set[str]:
        """Its own address and those that its host chose for connections and advertising."""
        chosen: list[hci.Address | None] = []
        if self.controller:
            chosen += [self.controller.random_address]
            chosen += [one.address for one in self.controller.advertising_sets.values()]
        return {self.address, *(one.to_string(with_type_qualifier=False) for one in chosen if one)}

    def power_up(self) -> RadioController:
        """Put a clean controller on the air; an old one vanishes."""
        self.vanish()
        address = hci.Address(self.address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        self.controller = RadioController(self.name, public_address=address)
        self.controller.link = self.link
        self.link.join(self.controller, self.station)
        return self.controller

    def host(self) -> Host:
        """A host in this process on a clean controller (instead of one over TCP)."""
        controller = self.power_up()
        host = Host()
        controller.set_packet_sink(host)
        host.set_packet_sink(AsyncPipeSink(controller))
        return host

    def _on_host(self, host: TransportSink) -> TransportSink:
        controller = self.power_up()
        controller.set_packet_sink(host)
        return controller

    def vanish(self) -> None:
        """Go off the air as a radio without power does; peers notice after the supervision timeout."""
        if (controller := self.controller) is None:
            return
        self.controller = None
        controller.set_packet_sink(None)
        controller.silence()
        self.link.leave(controller)

    def cut(self) -> int:
        """End all connections of this radio on both sides as by supervision timeout.

        Returns:
            How many there were.
        """
        if (controller := self.controller) is None:
            return 0
        peers = [peer for _, peer in self.link.bonds(controller)]
        own = [End(controller, one) for one in controller.le_connections.values()]
        for end in (*peers, *own):
            end.time_out()
        return len(own)

    async def close(self) -> None:
        """Stop for good."""
        await self.port.close()
        self.vanish()

"""The whole world in one process: the air, scanners, devices, Eve, and their ports."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from simulation.eve import Eve
from simulation.floor_plan import EVE, FloorPlan, Kind, Spot, corridor
from simulation.link import LossyLink, Station
from simulation.places import Place
from simulation.radio import Radio
from simulation.reach import Reach
from simulation.supervision import SUPERVISION_TIMEOUT, Supervision


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build. `loss` (0-0.95) and `burst` hold for every scanner and device, `eve_loss` for Eve.

    Raises:
        ValueError: too many radios, or no reach.
    """

    scanners: int = 2
    devices: int = 3
    loss: float = 0.20
    burst: float = 1.0
    seed: int = 1
    eve_loss: float = 0.20
    eve_file: Path | None = None
    supervision_timeout: float = SUPERVISION_TIMEOUT
    scanner_ports: tuple[int, ...] = field(default=())
    """Ports to listen on instead of free ones, by number of the scanner; 0 or none: a free one."""
    device_ports: tuple[int, ...] = field(default=())
    floor: FloorPlan | None = None
    """Where everything stands; it tells what there is instead of `scanners` and `devices`."""
    reach: float | None = None
    """Metres that a radio is heard, instead of the floor plan's."""

    def __post_init__(self) -> None:
        self.layout()  # the check alone

    def layout(self) -> FloorPlan:
        """Return the floor plan that holds."""
        floor = self.floor or corridor(self.scanners, self.devices)
        return floor if self.reach is None else replace(floor, reach=self.reach)


def scanner_address(index: int) -> str:
    """The address of a scanner (counted from 0); Home Assistant knows it as the scanner's source."""
    return f"A0:5E:5C:00:01:{index + 1:02X}"


def device_address(index: int) -> str:
    """The address of a device's controller (counted from 0); its first two bits also make it a valid static one."""
    return f"D0:5E:5C:00:02:{index + 1:02X}"


class World:
    """`async with World(plan) as world:` gives open ports; leaving it closes everything.

    Raises:
        ValueError: the plan's loss or burst is out of range.
        OSError: a wished port is taken, or Eve's file cannot be written.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        floor = self.plan.layout()
        self.link = LossyLink(Reach(self.plan.seed, floor.reach), Supervision(self.plan.supervision_timeout))
        self._homes = {spot.name: spot.home for spot in floor.of(Kind.SCANNER)}
        self.scanners = [self._radio(spot, scanner_address(i)) for i, spot in enumerate(floor.of(Kind.SCANNER))]
        self.devices = [self._radio(spot, device_address(i)) for i, spot in enumerate(floor.of(Kind.DEVICE))]
        self._eve_station = Station(EVE, floor.eve, seed=self.plan.seed, loss=self.plan.eve_loss, burst=self.plan.burst)
        self.eve = Eve(self.plan.eve_file)
        self.link.listen(self._eve_station, self.eve.on_advertisement)

    def _radio(self, spot: Spot, address: str) -> Radio:
        plan = self.plan
        return Radio(self.link, Station(spot.name, spot.place, seed=plan.seed, loss=plan.loss, burst=plan.burst), address)

    @property
    def radios(self) -> list[Radio]:
        """All scanners and devices."""
        return [*self.scanners, *self.devices]

    async def __aenter__(self) -> Self:
        try:
            for radio, port in self._wished_ports():
                await radio.port.open(port)
        except OSError:
            await self.close()
            raise
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every port and Eve's file; all hosts lose their radio."""
        for radio in self.radios:
            await radio.close()
        self.link.close()
        self.eve.close()

    def _wished_ports(self) -> list[tuple[Radio, int]]:
        wished = []
        for radios, ports in ((self.scanners, self.plan.scanner_ports), (self.devices, self.plan.device_ports)):
            padded = (*ports, *[0] * len(radios))
            wished += list(zip(radios, padded, strict=False))
        return wished

    # Finding

    def stations(self, name: str | None = None) -> list[Station]:
        """All receivers, or the one called `name`.

        Raises:
            KeyError: there is none of that name.
        """
        everyone = [*(radio.station for radio in self.radios), self._eve_station]
        found = [one for one in everyone if name in (None, one.name)]
        if not found:
            raise KeyError(name)
        return found

    def radio(self, name: str) -> Radio:
        """The radio with this name, or with this address, its own or one that its host chose.

        Raises:
            KeyError: there is none.
        """
        for one in self.radios:
            if name == one.name or name in one.addresses:
                return one
        raise KeyError(name)

    def _station(self, name: str) -> Station:
        return self._eve_station if name == EVE else self.radio(name).station

    # Changing

    def set_loss(self, loss: float, burst: float = 1.0, receiver: str | None = None) -> None:
        """Change the losses of one receiver, or of all but Eve.

        Raises:
            KeyError: unknown receiver.
            ValueError: out of range.
        """
        for station in self.stations(receiver):
            if receiver or station.name != EVE:
                station.set_loss(loss, burst)

    def move(self, name: str, place: Place) -> None:
        """Carry a radio (by name or address) or Eve to another place. Connections that come out of reach time out.

        Raises:
            KeyError: there is none of that name.
        """
        self._station(name).place = place
        self.link.review()

    def switch(self, name: str, *, on: bool) -> None:
        """Take a radio (by name or address) or Eve off the air, or put it back; its host does not notice.

        Raises:
            KeyError: there is none of that name.
        """
        self._station(name).on = on
        self.link.review()

    # Telling

    def describe(self) -> dict[str, object]:
        """Who is where: the content of the process's first line, without the control port."""
        scanners = [{"source": one.address, **self._entry(one), "home": self._homes[one.name]} for one in self.scanners]
        homes = sorted(set(self._homes.values()))
        return {
            "scanners": scanners,
            "homes": [{"home": home, "scanners": [one for one in scanners if one["home"] == home]} for home in homes],
            "devices": [{"address": one.address, **self._entry(one)} for one in self.devices],
            "eve": str(self.plan.eve_file) if self.plan.eve_file else None,
            "eve_place": self._eve_station.place.encode(),
            "reach": self.link.reach.metres if self.link.reach.limited else None,
        }

    @staticmethod
    def _entry(one: Radio) -> dict[str, object]:
        return {"port": one.port.port, "name": one.name, "place": one.station.place.encode(), "on": one.station.on}

    def statistics(self) -> dict[str, object]:
        """Place, losses and packets of every station, and whom it hears: the radios in reach that are on the air."""
        return {station.name: {**station.describe(), "hears": self._heard_by(station)} for station in self.stations()}

    def _heard_by(self, station: Station) -> list[str]:
        return [radio.name for radio in self.radios if self.link.hears(station, radio.station)]

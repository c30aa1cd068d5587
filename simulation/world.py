"""The whole world in one process: the air, scanners, devices, Eve, and their ports."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from simulation.eve import Eve
from simulation.link import LossyLink, Station
from simulation.places import EVE_PLACE, Place, device_place, scanner_place
from simulation.radio import SUPERVISION_TIMEOUT, Radio

MAX_RADIOS = 64
"""Scanners, and devices: more would not fit into one byte of their addresses' plan, nor on one machine."""
EVE = "eve"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build. `loss` (0-0.95) and `burst` hold for every scanner and device, `eve_loss` for Eve."""

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

    def __post_init__(self) -> None:
        if not (0 <= self.scanners <= MAX_RADIOS and 0 <= self.devices <= MAX_RADIOS):
            raise ValueError(f"between 0 and {MAX_RADIOS} scanners and devices are possible")


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
        self.link = LossyLink()
        self.scanners = [self._radio("scanner", i, scanner_place(i), scanner_address(i)) for i in range(self.plan.scanners)]
        self.devices = [self._radio("device", i, device_place(i), device_address(i)) for i in range(self.plan.devices)]
        self._eve_station = Station(EVE, EVE_PLACE, seed=self.plan.seed, loss=self.plan.eve_loss, burst=self.plan.burst)
        self.eve = Eve(self.plan.eve_file)
        self.link.listen(self._eve_station, self.eve.on_advertisement)

    def _radio(self, kind: str, index: int, place: Place, address: str) -> Radio:
        plan = self.plan
        station = Station(f"{kind}-{index + 1}", place, seed=plan.seed, loss=plan.loss, burst=plan.burst)
        return Radio(self.link, station, address, plan.supervision_timeout)

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
        self.eve.close()

    def _wished_ports(self) -> list[tuple[Radio, int]]:
        wished = []
        for radios, ports in ((self.scanners, self.plan.scanner_ports), (self.devices, self.plan.device_ports)):
            padded = (*ports, *[0] * len(radios))
            wished += list(zip(radios, padded, strict=False))
        return wished

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

    def set_loss(self, loss: float, burst: float = 1.0, receiver: str | None = None) -> None:
        """Change the losses of one receiver, or of all but Eve.

        Raises:
            KeyError: unknown receiver.
            ValueError: out of range.
        """
        for station in self.stations(receiver):
            if receiver or station.name != EVE:
                station.set_loss(loss, burst)

    def radio(self, name: str) -> Radio:
        """The radio with this name, or with this address, its own or one that its host chose.

        Raises:
            KeyError: there is none.
        """
        for one in self.radios:
            if name == one.name or name in one.addresses:
                return one
        raise KeyError(name)

    def describe(self) -> dict[str, object]:
        """Who is where: the content of the process's first line, without the control port."""
        return {
            "scanners": [{"source": one.address, "port": one.port.port, "name": one.name} for one in self.scanners],
            "devices": [{"address": one.address, "port": one.port.port, "name": one.name} for one in self.devices],
            "eve": str(self.plan.eve_file) if self.plan.eve_file else None,
        }

    def statistics(self) -> dict[str, object]:
        """Losses and packets of every station."""
        return {station.name: station.describe() for station in self.stations()}

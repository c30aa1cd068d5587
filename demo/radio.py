"""The virtual radio and the devices, each a program of its own."""

from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any

from .cast import THREE, Cast, Kind
from .processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder import Folder
    from .processes import Processes

#: Seconds until a program of ours has said that it is ready, on a busy machine.
STARTED = 60.0


@dataclass(frozen=True, slots=True)
class Air:
    """What the virtual radio does to advertisements: loss in whole percent per scanner, mean burst length in packets, seed."""

    loss: int
    burst: float
    seed: int


#: What a device can run on, and the program for it: Linux, or a real MicroPython.
PROGRAMS = {"linux": "self-secure-device", "micropython": "self-secure-board"}


@dataclass(frozen=True, slots=True)
class Fleet:
    """How the devices run: seconds between two readings, the suite offered (``hybrid``, ``loss``, ``paper``), a key of ``PROGRAMS``."""

    interval: float
    suite: str = "hybrid"
    device: str = "linux"


@dataclass(frozen=True, slots=True)
class Memory:
    """What a device on MicroPython needs: bytes of ``.mpy`` of core and program, the most bytes alive, the heap's size."""

    core: int
    program: int
    peak: int
    heap: int


@dataclass(frozen=True, slots=True)
class Scanner:
    """A place where Home Assistant listens: the source address, the local port of its radio, its name, and whose it is."""

    source: str
    port: int
    name: str
    home: int = 1

    def configuration(self) -> dict[str, Any]:
        """Return the entry of ``virtual_radio: scanners:``."""
        return {"source": self.source, "port": self.port, "name": self.name}


class Radio(Process):
    """The process that carries every packet; it outlives Home Assistant."""

    def __init__(self, air: Air, folder: Folder, cast: Cast) -> None:
        options: dict[str, object] = {"--loss": air.loss, "--burst": air.burst, "--seed": air.seed, "--control": 0}
        if cast.receivers:
            plan = folder.root / "floor_plan.json"
            plan.write_text(json.dumps(cast.plan), encoding="utf-8")
            options["--plan"] = plan
        else:
            options |= {"--scanners": 2, "--devices": len(cast.kinds)}
        words = [str(word) for option in options.items() for word in option]
        super().__init__("virtual radio", [sys.executable, "-m", "simulation", *words], folder.logs / "radio.log")
        self.scanners: list[Scanner] = []
        self.device_ports: list[int] = []
        self.device_addresses: list[str] = []
        self.control = 0

    async def announce(self) -> None:
        """Wait until the radio has told its ports."""
        told = json.loads((await self.wait_for(r"\{.*\}", STARTED))[0])
        self.control = told["control"]
        homes = {item["source"]: home["home"] for home in told["homes"] for item in home["scanners"]}
        self.scanners = [Scanner(item["source"], item["port"], item["name"], homes[item["source"]]) for item in told["scanners"]]
        self.device_ports = [item["port"] for item in told["devices"]]
        self.device_addresses = [item["address"] for item in told["devices"]]

    def scanners_of(self, home: int) -> list[Scanner]:
        """Return the places where one home listens."""
        return [scanner for scanner in self.scanners if scanner.home == home]


class Device(Process):
    """A device program on one port of the virtual radio, with its memory in the demo's folder."""

    def __init__(self, kind: Kind, port: int, folder: Folder, fleet: Fleet, heard: Callable[[str, str], None]) -> None:
        options = {
            "--transport": f"tcp-client:127.0.0.1:{port}",
            "--profile": kind.profile,
            "--name": kind.name,
            "--state": folder.state(kind.key),
            "--seconds-between-readings": fleet.interval,
            "--suite": fleet.suite,
        }
        words = [str(word) for option in options.items() for word in option] + (["--relay"] if kind.relay else [])
        program = Path(sys.executable).with_name(PROGRAMS["linux" if kind.relay else fleet.device])  # only there it can be one
        super().__init__(kind.name, [str(program), *words], folder.logs / f"{kind.key}.log", lambda line: heard(kind.key, line))
        self.kind = kind
        self.paired = False
        self.short_id = ""  # the first 4 bytes of its identity, in hex

    async def announce(self) -> None:
        """Wait until the device advertises."""
        ready = await self.wait_for(r"ready identity=(\w+) address=(\S+) state=(\d+)", STARTED)
        self.short_id, self.paired = ready[1], ready[3] != "0"

    async def memory(self) -> Memory:
        """Ask a device on MicroPython for its memory."""
        flash = await self.wait_for(r"flash core=(\d+) program=(\d+)", STARTED)
        since = self.position
        await self.send("memory")
        used = await self.wait_for(r"memory alive=\d+ peak=(\d+) heap=(\d+)", STARTED, since)
        return Memory(int(flash[1]), int(flash[2]), int(used[1]), int(used[2]))

    def codes(self, since: int = 0) -> list[str]:
        """Return the pairing codes that the device showed after the mark."""
        return [match[1] for match in self.matches(r"pairing code: (\d{6})( hub=\w+)?$", since)]

    def texts(self) -> list[str]:
        """Return every text that the device received, in order."""
        return [match[1] for match in self.matches(r"received text: (.*)$")]


@dataclass(frozen=True, slots=True)
class World:
    """Everything of the demo that is not Home Assistant."""

    radio: Radio
    devices: list[Device]

    def device(self, key: str) -> Device:
        """Return the device with this short key."""
        return next(device for device in self.devices if device.kind.key == key)


async def start(  # noqa: PLR0913, PLR0917  # what a world is made of
    air: Air, folder: Folder, processes: Processes, fleet: Fleet, heard: Callable[[str, str], None], cast: Cast = THREE
) -> World:
    """Start the radio and the devices; ``heard`` gets (device key, line)."""
    radio = processes.add(Radio(air, folder, cast))
    await radio.start()
    await radio.announce()
    ports = dict(zip(cast.kinds, radio.device_ports, strict=True))
    devices = [processes.add(Device(kind, port, folder, fleet, heard)) for kind, port in ports.items()]
    for device in devices:
        await device.start()
    for device in devices:
        await device.announce()
    return World(radio, devices)

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
import json
from pathlib import Path
import signal
import sys
import time
from typing import Any

from bumble import hci
from bumble.host import Host
from bumble.transport import open_transport
import pytest

from simulation.__main__ import main
from simulation.control import request
from simulation.host import ScannerHost
from simulation.world import device_address, scanner_address

from .conftest import BEACON, PATIENCE, Peripheral, make_peripheral

TIMEOUT = 0.3
REPOSITORY = Path(__file__).parents[2]


class Simulation:
    """A running `python -m simulation` and its first line."""

    def __init__(self, process: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        self.process, self.told = process, told
        self.scanner_port: int = told["scanners"][0]["port"]
        self.device_port: int = told["devices"][0]["port"]
        self.address: str = told["devices"][0]["address"]

    async def ask(self, command: str, **fields: object) -> dict[str, Any]:
        return await request(self.told["control"], command, **fields)


async def start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments, cwd=REPOSITORY, stdout=pipe, stderr=pipe)


@pytest.fixture
async def simulation(tmp_path: Path) -> AsyncIterator[Simulation]:
    options = ("--loss", "0", "--eve-loss", "0", "--eve", str(tmp_path / "eve.jsonl"), "--supervision-timeout", str(TIMEOUT))
    process = await start("simulation", *options)
    assert process.stdout is not None
    yield Simulation(process, json.loads(await process.stdout.readline()))
    process.terminate()
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


@pytest.fixture
async def peripheral(simulation: Simulation) -> AsyncIterator[Peripheral]:
    async with await open_transport(f"tcp-client:127.0.0.1:{simulation.device_port}") as transport:
        made = make_peripheral(Host(transport.source, transport.sink))
        await made.device.power_on()
        await made.advertise()
        yield made
        await made.device.power_off()


@pytest.fixture
async def start_central() -> AsyncIterator[Callable[[Simulation], Awaitable[asyncio.subprocess.Process]]]:
    started: list[asyncio.subprocess.Process] = []

    async def run(simulation: Simulation) -> asyncio.subprocess.Process:
        process = await start("tests.simulation.central", str(simulation.scanner_port), simulation.address)
        started.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline() == b"connected\n"
        return process

    yield run
    for process in started:
        process._transport.close()  # type: ignore[attr-defined]  # kills what is left, once, dead or alive
        await process.wait()


async def test_first_line_tells_everything(simulation: Simulation) -> None:
    told = simulation.told
    assert [one["source"] for one in told["scanners"]] == [scanner_address(0), scanner_address(1)]
    assert [one["address"] for one in told["devices"]] == [device_address(0), device_address(1), device_address(2)]
    assert [one["name"] for one in told["scanners"]] == ["scanner-1", "scanner-2"]
    assert told["eve"].endswith("eve.jsonl")


async def test_killed_central_is_a_supervision_timeout_and_the_port_takes_a_new_host(
    simulation: Simulation, peripheral: Peripheral, start_central: Callable[[Simulation], Awaitable[asyncio.subprocess.Process]]
) -> None:
    central = await start_central(simulation)
    assert len(peripheral.device.connections) == 1
    central.kill()
    killed = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await peripheral.gone.wait()
    assert time.monotonic() - killed >= TIMEOUT * 0.9
    assert peripheral.reasons == [hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR]
    await start_central(simulation)
    assert len(peripheral.device.connections) == 1


async def test_control_port(simulation: Simulation, peripheral: Peripheral, tmp_path: Path) -> None:
    assert (await simulation.ask("describe"))["devices"] == simulation.told["devices"]
    await simulation.ask("loss", loss=40, burst=3, receiver="scanner-2")
    await simulation.ask("loss", loss=0, receiver="eve")
    answer = await simulation.ask("eve", count=1)
    assert answer["records"][0]["data"] == BEACON.hex()
    stations = (await simulation.ask("statistics"))["stations"]
    assert (stations["scanner-1"]["loss"], stations["scanner-2"]["loss"], stations["scanner-2"]["burst"]) == (0, 0.4, 3)
    assert stations["device-1"]["sent"] >= answer["total"] > 0
    line = json.loads((tmp_path / "eve.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert line["address"] == simulation.address


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--loss", "96"], "loss must be between"),
        (["--scanners", "65"], "between 0 and 64"),
        (["--burst", "0.5"], "burst"),
        (["--reach", "0"], "the reach must be more than"),
        (["--plan", "nowhere.json"], "nowhere.json"),
        (["--plan", "nowhere.json", "--devices", "1"], "leave out --scanners and --devices"),
    ],
)
def test_bad_options_are_named(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert error in capsys.readouterr().err


async def test_floor_plan_from_a_file(tmp_path: Path) -> None:
    radios = [
        {"kind": "scanner", "name": "shed", "x": 30, "y": 0, "home": 2},
        {"kind": "scanner", "name": "hall", "x": 0, "y": 0},
        {"kind": "device", "name": "lamp", "x": 4, "y": 3},
    ]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"radios": radios, "reach": 12, "eve": {"x": 1, "y": 2}}), encoding="utf-8")
    process = await start("simulation", "--plan", str(path), "--scanner-ports", "0")
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    assert [(one["home"], [scanner["name"] for scanner in one["scanners"]]) for one in told["homes"]] == [(1, ["hall"]), (2, ["shed"])]
    assert [(one["source"], one["name"]) for one in told["scanners"]] == [(scanner_address(0), "shed"), (scanner_address(1), "hall")]
    assert [(one["name"], one["place"]) for one in told["devices"]] == [("lamp", {"x": 4.0, "y": 3.0})]
    assert (told["reach"], told["eve_place"]) == (12, {"x": 1.0, "y": 2.0})
    await request(told["control"], "move", name="lamp", x=28, y=0)
    assert (await request(told["control"], "statistics"))["stations"]["shed"]["hears"] == ["lamp"]
    process.terminate()
    assert (await process.communicate(), process.returncode) == ((b"", b""), 0)


async def test_interrupt_ends_it_cleanly_with_a_host_connected() -> None:
    process = await start("simulation")
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    host = ScannerHost(lambda _report: None)
    await host.open(told["scanners"][0]["port"])
    process.send_signal(signal.SIGINT)
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0
    await host.lost.wait()
    await host.close()

"""``scripts/demo --auto --world many``: eight devices paired at once, and two Home Assistants that share one device."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
import json
import time
from typing import TYPE_CHECKING, Any

from .. import radio
from ..bulk import Bulk, pair_at_once
from ..cast import MANY
from ..errors import DemoError
from ..homeassistant import HomeAssistant
from ..hub import Hub
from ..pairing import NEGOTIATED, PRINTED, card_of, follow, pair, shown_code, wait_until_discovered
from ..steps import READ
from ..waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..api import Api
    from ..folder import Folder
    from ..processes import Processes
    from ..radio import Air, Device, Fleet, World
    from ..terminal import Report

#: Seconds between two readings: ten devices share the connections of two receivers.
INTERVAL = 20.0

HOMES = (1, 2)
FIRST, SHARED = "first", "shared"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the steps share; the homes are in the order of `HOMES`."""

    report: Report
    world: World
    folders: list[Folder]
    homes: list[HomeAssistant]

    @property
    def rooms(self) -> list[Device]:
        """The devices that are paired at once."""
        return [device for device in self.world.devices if device.kind.key not in (FIRST, SHARED)]


async def run(air: Air, fleet: Fleet, folder: Folder, processes: Processes, report: Report) -> None:
    """Walk all steps; StepFailedError at the first that fails."""
    async with report.step(f"the virtual radio and {len(MANY.kinds)} devices run") as tell:
        world = await radio.start(air, folder, processes, fleet, lambda _key, _line: None, MANY)
        tell(f"{air.loss} % lost at each receiver beside what the distance costs")
    folders = [folder.home(number) for number in HOMES]
    stage = Stage(report, world, folders, [HomeAssistant(one) for one in folders])
    report.suspects[:] = [world.radio, *world.devices]
    try:
        await _walk(stage)
    finally:
        await asyncio.gather(*(home.process.stop() for home in stage.homes))


async def _walk(stage: Stage) -> None:
    async with stage.report.step("two Home Assistants start, each with its own receivers"):
        starting = (home.start(stage.world.radio.scanners_of(number)) for number, home in zip(HOMES, stage.homes, strict=True))
        await asyncio.gather(*starting)
        stage.report.suspects += [home.process for home in stage.homes]
    seconds, code = await _one(stage)
    bulk = await _eight(stage, seconds)
    shared = await _both(stage)
    await _all_differ(stage, [code, *bulk.codes.values(), *shared])
    await _readings(stage)
    await _messages(stage)
    await _power_loss(stage)
    await _messages(stage)


@asynccontextmanager
async def _sessions(stage: Stage) -> AsyncIterator[list[Api]]:
    """Sign in to all homes; anew for each step, because a session that is left alone is closed."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(home.signed_in()) for home in stage.homes]


async def _one(stage: Stage) -> tuple[float, str]:
    """Pair one device by its card; return how long that took, and its code."""
    first = stage.world.device(FIRST)
    async with stage.report.step("one device is paired") as tell, stage.homes[0].signed_in() as api:
        flow = await card_of(api, first.name)
        pairing = await pair(api, flow["flow_id"], [first])
        tell(f"{pairing}, {pairing.seconds:.1f} s")
        return pairing.seconds, pairing.code or ""


async def _eight(stage: Stage, alone: float) -> Bulk:
    async with stage.report.step("eight devices are paired at once") as tell, stage.homes[0].signed_in() as api:
        await wait_until_discovered(api, len(stage.rooms))
        bulk = await pair_at_once(api, stage.rooms)
        tell(f"eight codes compared, {bulk.seconds:.1f} s: {bulk.seconds / alone:.1f} times as long as one")
        return bulk


async def _both(stage: Stage) -> list[str]:
    """Pair one device with both homes in one broadcast; return both codes."""
    shared = stage.world.device(SHARED)
    async with stage.report.step("two homes pair the same device in one broadcast") as tell, _sessions(stage) as apis:
        cards = [await card_of(api, shared.name) for api in apis]
        mark, begun = shared.position, time.monotonic()
        steps = await asyncio.gather(*(_begin(api, card["flow_id"]) for api, card in zip(apis, cards, strict=True)))
        codes = [shown_code(step) for step in steps]
        await _printed(shared, mark, codes)
        for api, step in zip(apis, steps, strict=True):
            ended = await api.post(f"/api/config/config_entries/flow/{step['flow_id']}", {"verdict": "same"})
            ended = await follow(api, ended, NEGOTIATED)
            if ended["type"] != "create_entry":
                raise DemoError(f"the pairing of {shared.name} ended with {ended}")
        await until(lambda: _paired(shared, mark), lambda count: count == len(apis), PRINTED, f"{shared.name} is not paired with both")
        tell(f"{codes[0]} here, {codes[1]} at the neighbour's, {time.monotonic() - begun:.1f} s")
        return codes


async def _begin(api: Api, flow_id: str) -> dict[str, Any]:
    step = await api.post(f"/api/config/config_entries/flow/{flow_id}", {"security": {"method": "hybrid"}})
    return await follow(api, step, NEGOTIATED)


async def _printed(device: Device, mark: int, codes: list[str]) -> None:
    """Wait until the device shows these codes, each for another hub."""

    async def look() -> list[str]:
        return sorted(device.codes(mark))

    await until(look, lambda printed: printed == sorted(codes), PRINTED, f"{device.name} does not show {codes}")


async def _paired(device: Device, mark: int) -> int:
    return len(device.matches(r"paired( hub=\w+)?$", mark))


async def _all_differ(stage: Stage, codes: list[str]) -> None:
    async with stage.report.step("all codes and all keys differ") as tell:
        keys = [key for folder in stage.folders for key in stored_keys(folder)]
        if len(set(keys)) != len(keys) or len(set(codes)) != len(codes):
            raise DemoError(f"{len(keys)} keys, {len(set(keys))} different; codes {sorted(codes)}")
        tell(f"{len(codes)} codes, {len(keys)} keys")


def stored_keys(folder: Folder) -> list[str]:
    """Return every key in a Home Assistant's storage."""
    stored = [json.loads(path.read_text(encoding="utf-8"))["data"] for path in folder.stores()]
    return [key for data in stored for pairing in data.get("pairings", ()) for key in pairing["keys"].values()]


async def _readings(stage: Stage) -> None:
    shared = stage.world.device(SHARED)
    async with stage.report.step("readings of all devices arrive") as tell, _sessions(stage) as apis:
        for device in (stage.world.device(FIRST), *stage.rooms):
            await Hub(apis[0]).wait_for_states(device.name, "sensor", bool, READ)
        for api in apis:
            await until(lambda api=api: _battery(api), str.isdigit, READ, f"{shared.name} has no battery level")  # type: ignore[misc]  # mypy cannot infer a lambda's default
        tell(f"{shared.name} in both homes")


async def _battery(api: Api) -> str:
    """Return the battery level that the shared display has told, in percent."""
    states = await api.get("/api/states")
    return next((str(state["state"]) for state in states if state["entity_id"] == "sensor.shared_display_battery"), "")


async def _messages(stage: Stage) -> None:
    shared = stage.world.device(SHARED)
    async with stage.report.step("a message from each home reaches the shared device"), _sessions(stage) as apis:
        for number, api in zip(HOMES, apis, strict=True):
            mark, hub = shared.position, Hub(api)
            if not await hub.send(await hub.device_id(shared.name), f"from home {number}"):
                raise DemoError(f"the message of home {number} was not reported as delivered")
            await shared.wait_for(f"received text: from home {number}$", READ, mark)


async def _power_loss(stage: Stage) -> None:
    shared = stage.world.device(SHARED)
    async with stage.report.step("the shared device loses its power and comes back to both"):
        await shared.kill()
        mark = shared.position
        await shared.start()
        await until(lambda: _resumed(shared, mark), lambda count: count == len(HOMES), READ, f"{shared.name} has not resumed with both")


async def _resumed(device: Device, mark: int) -> int:
    return len(device.matches(r"resumed epoch=\d+", mark))

"""``scripts/demo --auto``: the way of a user, walked through Home Assistant's own interfaces, with a crash in the middle."""

import asyncio
from dataclasses import dataclass
import random
from typing import TYPE_CHECKING

from . import radio
from .errors import DemoError
from .homeassistant import HomeAssistant
from .hub import Hub
from .pairing import discovered, pair, wait_until_discovered
from .traffic import Traffic
from .waiting import until

if TYPE_CHECKING:
    from .folder import Folder
    from .processes import Processes
    from .radio import Air, Fleet, World
    from .terminal import Report

#: Seconds between two readings of a device: short, so that the wait for a change is.
INTERVAL = 2.0

#: Seconds until a new reading is seen: the beacon says "data waiting", a connection fetches it, whatever is lost on the way.
READ = 90.0

#: Seconds until every config entry is loaded again after a crash.
LOADED = 60.0

#: Messages delivered before the crash, and after it.
BEFORE, AFTER = 3, 3

#: Seconds after the last delivery within which Home Assistant is killed: the time of one message or two, so that one is under way.
KILL_WITHIN = 0.3


@dataclass(frozen=True, slots=True)
class Stage:
    """What the steps share."""

    folder: Folder
    processes: Processes
    report: Report
    world: World
    home_assistant: HomeAssistant
    traffic: Traffic
    fleet: Fleet


async def run(air: Air, fleet: Fleet, folder: Folder, processes: Processes, report: Report) -> None:
    """Walk all steps; StepFailedError at the first that fails."""
    async with report.step("the virtual radio and three devices run") as tell:
        world = await radio.start(air, folder, processes, fleet, lambda _key, _line: None)
        tell(f"{air.loss} % of the advertisements lost at each of {len(world.radio.scanners)} scanners")
    stage = Stage(folder, processes, report, world, HomeAssistant(folder), Traffic(), fleet)
    report.suspects[:] = [world.radio, *world.devices]
    try:
        await _before_the_crash(stage)
        await _crash(stage)
        await _after_the_crash(stage)
        if fleet.device == "micropython":
            await _memory(stage)
    finally:
        await stage.home_assistant.process.stop()


async def start_home_assistant(stage: Stage, title: str) -> None:
    """Start Home Assistant and sign in once."""
    async with stage.report.step(title) as tell:
        await stage.home_assistant.start(stage.world.radio.scanners)
        stage.report.suspects[:] = [stage.home_assistant.process, *stage.world.devices]
        async with stage.home_assistant.signed_in():
            tell(stage.home_assistant.url)


async def _before_the_crash(stage: Stage) -> None:
    await start_home_assistant(stage, "Home Assistant starts and has its user")
    await _pair_all(stage)
    await _readings(stage, "readings change")
    await _message(stage)


async def _pair_all(stage: Stage) -> None:
    waiting = [device for device in stage.world.devices if not device.paired]
    if not waiting:  # the folder of an earlier run
        return
    async with stage.home_assistant.signed_in() as api:
        async with stage.report.step(f"Home Assistant discovers {len(waiting)} devices"):
            flows = await wait_until_discovered(api, len(waiting))
        for number, flow in enumerate(flows, 1):
            async with stage.report.step(f"pairing {number} of {len(flows)}") as tell:
                pairing = await pair(api, flow["flow_id"], waiting, stage.fleet.suite)
                tell(str(pairing))


async def _readings(stage: Stage, title: str) -> None:
    door = stage.world.device("door")
    async with stage.home_assistant.signed_in() as api:
        hub = Hub(api)
        async with stage.report.step(f"{title}: thermometer") as tell:
            first = await hub.wait_for_states("Thermometer", "sensor", bool, READ)
            later = await hub.wait_for_states("Thermometer", "sensor", lambda states: states != first, READ)
            tell(f"{_short(first)} → {_short(later)}")
        async with stage.report.step(f"{title}: front door") as tell:
            for command, state in (("open", "on"), ("close", "off")):
                await door.send(command)
                await hub.wait_for_states("Front door", "binary_sensor", lambda states, state=state: state in states.values(), READ)  # type: ignore[misc]  # mypy cannot infer a lambda's default
            tell("opened and closed")


def _short(states: dict[str, str]) -> str:
    return " ".join(states.values())


async def _message(stage: Stage) -> None:
    display = stage.world.device("display")
    async with stage.home_assistant.signed_in() as api:
        hub = Hub(api)
        async with stage.report.step("a message reaches the display") as tell:
            text = await stage.traffic.send(hub, await hub.device_id("Display"))
            await display.wait_for(f"received text: {text}$", READ)
            tell(f"“{text}”, Home Assistant reports it as delivered")


async def _crash(stage: Stage) -> None:
    traffic, chance = stage.traffic, random.Random()
    async with stage.report.step("Home Assistant is killed in the middle of messages") as tell:
        async with stage.home_assistant.signed_in() as api:
            hub = Hub(api)
            sender = asyncio.create_task(traffic.send_for_ever(hub, await hub.device_id("Display")))
            await traffic.wait_for_deliveries(len(traffic.delivered) + BEFORE, sender, READ)
            await asyncio.sleep(chance.uniform(0, KILL_WITHIN))
            await stage.home_assistant.process.kill()
            await asyncio.wait([sender])
        sender.exception()
        tell(f"{len(traffic.delivered)} delivered, {len(traffic.unknown)} under way")


async def _after_the_crash(stage: Stage) -> None:
    shown = [device.codes() for device in stage.world.devices]
    await start_home_assistant(stage, "Home Assistant starts again")
    async with stage.report.step("all devices are loaded again"):
        await _wait_until_loaded(stage)
    await _readings(stage, "readings go on")
    await _messages_go_on(stage)
    async with stage.report.step("nothing was paired anew"):
        await _check_no_pairing(stage, shown)


async def _wait_until_loaded(stage: Stage) -> None:
    async with stage.home_assistant.signed_in() as api:
        loaded = ["loaded"] * len(stage.world.devices)

        async def look() -> list[str]:
            return [entry["state"] for entry in await Hub(api).entries()]

        await until(look, lambda states: states == loaded, LOADED, "the config entries are not loaded", stage.home_assistant.process)


async def _messages_go_on(stage: Stage) -> None:
    display = stage.world.device("display")
    async with stage.home_assistant.signed_in() as api:
        hub = Hub(api)
        async with stage.report.step("messages go on, each acted on once") as tell:
            device_id = await hub.device_id("Display")
            for _ in range(AFTER):
                text = await stage.traffic.send(hub, device_id)
                await display.wait_for(f"received text: {text}$", READ)
            stage.traffic.check(display.texts())
            tell(f"{len(stage.traffic.delivered)} delivered in all")


async def _check_no_pairing(stage: Stage, shown: list[list[str]]) -> None:
    async with stage.home_assistant.signed_in() as api:
        if flows := await discovered(api):
            raise DemoError(f"Home Assistant wants to pair again: {flows}")
    for device, codes in zip(stage.world.devices, shown, strict=True):
        if device.codes() != codes:
            raise DemoError(f"{device.name} showed another code", device)


async def _memory(stage: Stage) -> None:
    async with stage.report.step("MicroPython had memory enough") as tell:
        used = [await device.memory() for device in stage.world.devices]
        tell(f"{used[0].core:,} bytes of .mpy for the core, {used[0].program:,} for the program around it")
        tell(f"at most {max(one.peak for one in used):,} bytes alive in a heap of {used[0].heap:,}")

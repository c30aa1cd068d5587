"""One world, many kills: two paired devices, messages without a pause, Home Assistant killed and started again."""

import asyncio
import contextlib
from dataclasses import dataclass, field
import random
from typing import TYPE_CHECKING

from demo import radio
from demo.errors import DemoError
from demo.homeassistant import HomeAssistant
from demo.hub import Hub
from demo.pairing import discovered, name_in, pair, wait_until_discovered
from demo.traffic import Traffic
from demo.waiting import until

if TYPE_CHECKING:
    from demo.api import Api
    from demo.processes import Processes
    from demo.radio import Air, World
    from demo.terminal import Report

    from .watched import WatchedFolder

#: Whom the messages go to, and who talks in the other direction.
RECEIVER, TALKER = "display", "door"

#: Seconds between two readings of a device.
INTERVAL = 2.0

#: Seconds of traffic within which the kill comes: a resume and then some messages.
TRAFFIC = 3.0

#: Seconds after a start within which the kill comes: Home Assistant reads its store, connects and resumes then.
START_FROM, START_UNTIL = 2.0, 8.0

#: One kill in so many comes while Home Assistant still starts.
EARLY = 5

#: Messages under way at the same time: the queue on disk is not empty when the kill comes.
SENDERS = 3

#: Kills between two searches for keys, which read every file.
SEARCH_EVERY = 20

#: Seconds until the entries are loaded after a start, and until a message sent after the last kill is there.
LOADED, READ = 60.0, 120.0


@dataclass
class Stage:
    """What every cycle needs. ``texts``: what the receiver has printed, in order; ``interrupted``: messages under way at a kill."""

    folder: WatchedFolder
    world: World
    home_assistant: HomeAssistant
    chance: random.Random
    texts: list[str]
    traffic: Traffic = field(default_factory=Traffic)
    early: int = 0
    interrupted: int = 0

    async def start(self) -> None:
        """Start Home Assistant and wait for its page."""
        await self.home_assistant.start(self.world.radio.scanners)

    async def kill(self) -> None:
        """Pull the plug."""
        await self.home_assistant.process.kill()


@dataclass(frozen=True, slots=True)
class Plan:
    """How often to kill, and in what world."""

    count: int
    air: Air
    suite: str


async def run(plan: Plan, folder: WatchedFolder, processes: Processes, report: Report) -> None:
    """Pair two devices, kill Home Assistant again and again, and check what it left; StepFailedError at the first thing that is wrong."""
    texts: list[str] = []
    fleet = radio.Fleet(INTERVAL, plan.suite)
    world = await radio.start(plan.air, folder, processes, fleet, lambda key, line: _note(texts, key, line))
    stage = Stage(folder, world, HomeAssistant(folder), random.Random(plan.air.seed), texts)
    report.suspects[:] = [stage.home_assistant.process, *world.devices]
    try:
        async with report.step("two devices are paired"):
            await stage.start()
            await _pair(stage, plan.suite)
        for number in range(1, plan.count + 1):
            async with report.step(f"kill {number} of {plan.count}") as tell:
                report.suspects[0] = stage.home_assistant.process
                tell(await _cycle(stage))
            if number % SEARCH_EVERY == 0:
                await _pause(stage, report)
        await _end(stage, report)
    finally:
        await stage.home_assistant.process.stop()


def _note(texts: list[str], key: str, line: str) -> None:
    if key == RECEIVER and line.startswith("received text: "):
        texts.append(line.removeprefix("received text: "))


async def _pair(stage: Stage, suite: str) -> None:
    async with stage.home_assistant.signed_in() as api:
        flows = await wait_until_discovered(api, len(stage.world.devices))
        by_name = {name_in(flow): flow["flow_id"] for flow in flows}
        for device in map(stage.world.device, (RECEIVER, TALKER)):
            await pair(api, by_name[device.name], [device], suite)
    await asyncio.sleep(TRAFFIC)  # the new entries are on disk a second after the flow


async def _cycle(stage: Stage) -> str:
    """Kill Home Assistant at a random moment and start it; return what the kill met."""
    if stage.chance.randrange(EARLY) == 0:
        stage.early += 1
        return await _kill_while_it_starts(stage)
    return await _kill_in_traffic(stage)


async def _kill_while_it_starts(stage: Stage) -> str:
    """Home Assistant runs: end it, and end the next one before it is up."""
    await stage.kill()
    moment = stage.chance.uniform(START_FROM, START_UNTIL)
    starting = asyncio.create_task(stage.start())
    await asyncio.sleep(moment)
    await stage.kill()
    with contextlib.suppress(DemoError):  # it says that Home Assistant ended, unless it was up by then
        await starting
    await stage.start()
    return f"{moment:.1f} s after a start"


async def _kill_in_traffic(stage: Stage) -> str:
    traffic, moment = stage.traffic, stage.chance.uniform(0, TRAFFIC)
    before, unknown = len(traffic.delivered), len(traffic.unknown)
    async with stage.home_assistant.signed_in() as api:
        await _check_loaded(stage, api)
        hub = Hub(api)
        device_id = await hub.device_id(stage.world.device(RECEIVER).name)
        talking = asyncio.create_task(_talk(stage))
        senders = [asyncio.create_task(traffic.send_for_ever(hub, device_id)) for _ in range(SENDERS)]
        await asyncio.sleep(moment)
        await stage.kill()
        ended = await asyncio.gather(*senders, return_exceptions=True)
        talking.cancel()
    _check_senders(ended)
    stage.interrupted += len(traffic.unknown) - unknown
    await stage.start()
    return f"after {moment:.1f} s and {len(traffic.delivered) - before} deliveries, {len(traffic.unknown) - unknown} messages under way"


async def _talk(stage: Stage) -> None:
    """Let the other device tell of its contact all the time."""
    device = stage.world.device(TALKER)
    while True:
        for command in ("open", "close"):
            await device.send(command)
            await asyncio.sleep(stage.chance.uniform(0.05, 0.3))


def _check_senders(ended: list[BaseException | None]) -> None:
    """Raise what ended a sender, unless it was the kill."""
    for error in ended:
        if error is not None and "/api/services/" not in str(error):
            raise error


async def _check_loaded(stage: Stage, api: Api) -> None:
    """Both devices must be loaded, and nobody may ask for a new pairing with them."""

    async def look() -> list[str]:
        return [entry["state"] for entry in await Hub(api).entries()]

    await until(look, lambda states: states == ["loaded", "loaded"], LOADED, "the entries are not loaded", stage.home_assistant.process)
    asked = {name_in(flow) for flow in await discovered(api)}
    for device in map(stage.world.device, (RECEIVER, TALKER)):
        if device.name in asked or len(device.matches("paired$")) != 1:
            raise DemoError(f"{device.name} was paired or is to be paired again", device)


async def _pause(stage: Stage, report: Report) -> None:
    """End Home Assistant in peace, once it has erased what the kills left, and search for keys."""
    async with stage.home_assistant.signed_in() as api:
        await _check_loaded(stage, api)
    await _search(stage, report)
    await stage.start()


async def _search(stage: Stage, report: Report) -> None:
    await stage.home_assistant.process.stop()
    async with report.step("no key outside the store") as tell:
        tell(f"{await asyncio.to_thread(stage.folder.check)} keys searched for")


async def _end(stage: Stage, report: Report) -> None:
    async with report.step("messages and readings go on, nothing was lost, doubled or paired again") as tell:
        async with stage.home_assistant.signed_in() as api:
            hub = Hub(api)
            await _check_loaded(stage, api)
            last = await stage.traffic.send(hub, await hub.device_id(stage.world.device(RECEIVER).name))
            await stage.world.device(RECEIVER).wait_for(f"received text: {last}$", READ)
            await _check_readings(stage, hub)
        stage.traffic.check(stage.texts)
        tell(f"{len(stage.traffic.delivered)} delivered, {stage.interrupted} interrupted, {stage.early} kills during a start")
    await _search(stage, report)


async def _check_readings(stage: Stage, hub: Hub) -> None:
    device = stage.world.device(TALKER)
    for command, state in (("open", "on"), ("close", "off")):
        await device.send(command)
        await hub.wait_for_states(device.name, "binary_sensor", lambda states, state=state: state in states.values(), READ)  # type: ignore[misc]  # mypy cannot infer a lambda's default

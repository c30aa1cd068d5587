"""``scripts/demo --auto --world relay``: a device that Home Assistant cannot hear, two relays on the way, one of which is killed."""

import asyncio
from dataclasses import dataclass
import json
import time
from typing import TYPE_CHECKING

from self_secure_device_linux.program import RELAY_SUFFIX

from .. import radio
from ..cast import RELAY
from ..errors import DemoError
from ..homeassistant import HomeAssistant
from ..hub import Hub
from ..memory import holds
from ..pairing import TOLD, discovered, name_in, pair, wait_until_discovered
from ..steps import READ
from ..traffic import Traffic
from ..waiting import until

if TYPE_CHECKING:
    from ..api import Api
    from ..folder import Folder
    from ..processes import Processes
    from ..radio import Air, Device, Fleet, World
    from ..terminal import Report

#: Seconds between two readings: each is a way through a relay, and messages shall have their turn.
INTERVAL = 20.0

FAR = "garden"

BATTERY = "sensor.garden_display_battery"

#: Seconds until a relay has told whom it hears, Home Assistant has taken that up, or a relay has made a key: a broadcast of its own.
TOLD_WITHIN = 180.0

#: Messages delivered before the relay is killed, and afterwards.
BEFORE, AFTER = 3, 3

#: Seconds for a message over a path that has to be opened first, perhaps in vain over a relay that is gone.
CARRIED_WITHIN = 240.0

#: Seconds that the action waits for the acknowledgement of one message.
ANSWERED = 100

#: What the messages begin with, and no relay may read.
TEXT = "for the garden alone,"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the steps share."""

    folder: Folder
    report: Report
    world: World
    home_assistant: HomeAssistant
    traffic: Traffic
    keys: set[bytes]  # of the far device, as Home Assistant has stored them so far

    @property
    def relays(self) -> list[Device]:
        """The devices that carry for others."""
        return [device for device in self.world.devices if device.kind.relay]

    @property
    def far(self) -> Device:
        """The device out of reach."""
        return self.world.device(FAR)


async def run(air: Air, fleet: Fleet, folder: Folder, processes: Processes, report: Report) -> None:
    """Walk all steps; StepFailedError at the first that fails."""
    async with report.step("the virtual radio, two relays and a device behind them run") as tell:
        world = await radio.start(air, folder, processes, fleet, lambda _key, _line: None, RELAY)
        tell(f"{air.loss} % lost at each radio beside what the distance costs")
    stage = Stage(folder, report, world, HomeAssistant(folder), Traffic(TEXT, ANSWERED), set())
    report.suspects[:] = [world.radio, *world.devices]
    try:
        await _walk(stage)
    finally:
        await stage.home_assistant.process.stop()


async def _walk(stage: Stage) -> None:
    async with stage.report.step("Home Assistant starts"):
        await stage.home_assistant.start(stage.world.radio.scanners)
        stage.report.suspects.insert(0, stage.home_assistant.process)
    await _pair_relays(stage)
    await _pair_far(stage)
    await _readings(stage)
    await _message(stage)
    await _adopted(stage)
    gone = await _take_over(stage)
    await _comes_back(stage, gone)
    await _ignorant(stage)


async def _pair_relays(stage: Stage) -> None:
    async with stage.home_assistant.signed_in() as api:
        async with stage.report.step("Home Assistant hears the two relays and nobody else") as tell:
            flows = await wait_until_discovered(api, len(stage.relays))
            names = sorted(name_in(flow) for flow in flows)
            if names != sorted(relay.name for relay in stage.relays):
                raise DemoError(f"it hears {names}")
            tell(", ".join(names))
        for flow in flows:
            async with stage.report.step(f"{name_in(flow)} is paired as any device") as tell:
                tell(str(await pair(api, flow["flow_id"], stage.relays)))


async def _pair_far(stage: Stage) -> None:
    async with stage.home_assistant.signed_in() as api:
        async with stage.report.step("a relay tells of a device that Home Assistant cannot hear"):
            complaint = "no relay has told of a device out of reach"
            flows = await until(lambda: discovered(api, TOLD), bool, TOLD_WITHIN, complaint, stage.home_assistant.process)
        async with stage.report.step(f"{stage.far.name} is paired through a relay") as tell:
            pairing = await pair(api, flows[0]["flow_id"], [stage.far], relayed=True)
            tell(f"{pairing}, {pairing.seconds:.1f} s")
            _collect(stage)


async def _readings(stage: Stage) -> None:
    async with stage.report.step("its readings arrive") as tell, stage.home_assistant.signed_in() as api:
        charge = await until(lambda: _battery(api), str.isdigit, READ, f"{stage.far.name} has no battery level")
        tell(f"{charge} % battery, carried by {(await _carrier(stage, api)).name}")


async def _battery(api: Api) -> str:
    """Return the battery level that the far display has told, in percent."""
    states = await api.get("/api/states")
    return next((str(state["state"]) for state in states if state["entity_id"] == BATTERY), "")


async def _carrier(stage: Stage, api: Api) -> Device:
    """Return the relay over which Home Assistant shows the far device; DemoError when it shows none."""
    devices = await api.command("config/device_registry/list")
    far = next(device for device in devices if stage.far.name in (device["name"], device["name_by_user"]))
    names = [device["name"] for device in devices if device["id"] == far["via_device_id"]]
    found = [relay for relay in stage.relays if relay.name in names]
    if not found:
        raise DemoError(f"{stage.far.name} is not shown behind a relay: {names}")
    return found[0]


async def _message(stage: Stage) -> None:
    async with stage.report.step("a message reaches it") as tell, stage.home_assistant.signed_in() as api:
        hub = Hub(api)
        text = await stage.traffic.send(hub, await hub.device_id(stage.far.name))
        await stage.far.wait_for(f"received text: {text}$", READ)
        tell(f"“{text}”, Home Assistant reports it as delivered")


async def _adopted(stage: Stage) -> None:
    async with stage.report.step("both relays have made a key for their hop, in advance") as tell:
        for relay in stage.relays:
            await relay.wait_for(f"relay: adopted {stage.far.short_id}$", TOLD_WITHIN)
        await until(lambda: _carriers(stage), lambda known: len(known) == len(stage.relays), TOLD_WITHIN, "the device does not say so")
        tell(f"{stage.far.name} knows {' and '.join(await _carriers(stage))}")
        _collect(stage)


async def _carriers(stage: Stage) -> list[str]:
    return [match[1] for match in stage.far.matches(r"carried by relay=(\w+)")]


def _collect(stage: Stage) -> None:
    """Remember the present keys of the far device in Home Assistant's storage."""
    stage.keys.update(stored_keys(stage.folder, stage.far.short_id))


async def _take_over(stage: Stage) -> Device:
    """Kill the relay that carries, in the middle of messages, and return it; nothing may be lost, nothing repeated."""
    traffic = stage.traffic
    async with (
        stage.report.step("the relay is killed in the middle of messages, the other one takes over") as tell,
        stage.home_assistant.signed_in() as api,
    ):
        hub = Hub(api)
        sender = asyncio.create_task(traffic.send_for_ever(hub, await hub.device_id(stage.far.name)))
        await traffic.wait_for_deliveries(len(traffic.delivered) + BEFORE, sender, CARRIED_WITHIN)
        gone = await _carrier(stage, api)
        await gone.kill()
        begun = time.monotonic()
        await traffic.wait_for_deliveries(len(traffic.delivered) + 1, sender, CARRIED_WITHIN)
        seconds = time.monotonic() - begun
        await traffic.wait_for_deliveries(len(traffic.delivered) + AFTER, sender, CARRIED_WITHIN)
        sender.cancel()
        await asyncio.wait([sender])
        tell(f"{gone.name} → {(await _carrier(stage, api)).name}, {seconds:.1f} s without a message")
    async with stage.report.step("nothing was lost, nothing came twice") as tell:
        await until(lambda: _shown(stage), lambda shown: shown >= {*traffic.delivered}, READ, "what was delivered is not shown")
        tell(f"{traffic.check(stage.far.texts())} messages")
        _collect(stage)
    return gone


async def _shown(stage: Stage) -> set[str]:
    return {*stage.far.texts()}


async def _comes_back(stage: Stage, gone: Device) -> None:
    async with stage.report.step(f"{gone.name} comes back with its keys") as tell, stage.home_assistant.signed_in() as api:
        mark = gone.position
        await gone.start()
        await gone.wait_for(r"resumed epoch=\d+", READ, mark)
        if known := gone.matches(rf"relay: adopted {stage.far.short_id}$", mark):
            raise DemoError(f"it has made a key anew: {known[0][0]}", gone)
        if flows := [*await discovered(api), *await discovered(api, TOLD)]:
            raise DemoError(f"Home Assistant wants to pair again: {flows}")
        tell("nothing was paired anew")


async def _ignorant(stage: Stage) -> None:
    """Search all that the relays have for the far device's keys and texts: their memory, their files, what they have printed."""
    async with stage.report.step("the relays know no key and no text of it") as tell:
        _collect(stage)
        needles = [*stage.keys, *(key.hex().encode() for key in stage.keys), TEXT.encode()]
        for relay in stage.relays:
            state = stage.folder.state(relay.kind.key)
            written = b"".join(path.read_bytes() for path in (state, state.with_name(state.name + RELAY_SUFFIX), relay.log))
            if relay.pid is None or holds(relay.pid, needles) or any(needle in written for needle in needles):
                raise DemoError(f"{relay.name} has a key or a text that is not its own", relay)
        if stage.far.pid is None or not holds(stage.far.pid, needles):
            raise DemoError("the search finds nothing where the keys are: it would find nothing anywhere")
        tell(f"memory, files and log of both searched for {len(stage.keys)} keys, as bytes and as text, and for the messages")


def stored_keys(folder: Folder, short_id: str) -> list[bytes]:
    """Return every key of one device in Home Assistant's storage."""
    [path] = folder.stores(short_id)
    stored = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [bytes.fromhex(key) for pairing in stored["pairings"] for key in pairing["keys"].values()]

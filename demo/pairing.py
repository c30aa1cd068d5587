"""Pairing through Home Assistant's config flow, with a person's part done by comparing what the device printed."""

from dataclasses import dataclass
import re
import time
from typing import TYPE_CHECKING, Any, override

from .errors import DemoError
from .waiting import until

if TYPE_CHECKING:
    from .api import Api
    from .radio import Device

DOMAIN = "self_secure"

#: How Home Assistant has come to know of a device: the sources of a discovered flow.
HEARD, TOLD = "bluetooth", "integration_discovery"

#: Types of a flow's step at which a person only waits.
PROGRESS = frozenset({"progress", "progress_done"})

#: Seconds until a device that advertises shows up, also when most advertisements are lost.
DISCOVERED = 60.0

#: Seconds from "submit" to the code: the broadcast takes up to 2,048 packets of 35 ms, and a failed attempt is made again by the device.
NEGOTIATED = 240.0

#: Seconds until a device has printed what Home Assistant already knows.
PRINTED = 10.0


@dataclass(frozen=True, slots=True)
class Pairing:
    """A pairing that succeeded: whose, the code both showed (none in ``loss`` and ``paper``), the new config entry, and how long it took."""

    device: Device
    code: str | None
    entry_id: str
    seconds: float

    @override
    def __str__(self) -> str:
        return f"{self.device.name} and Home Assistant show {self.code}" if self.code else f"{self.device.name}, no code to compare"


async def discovered(api: Api, source: str = HEARD) -> list[dict[str, Any]]:
    """Return the flows that wait for a person because a device of ours was discovered: `HEARD`, or `TOLD` of by a relay."""
    return [flow for flow in await _flows(api) if flow["context"].get("source") == source]


async def _flows(api: Api) -> list[dict[str, Any]]:
    return [flow for flow in await api.command("config_entries/flow/progress") if flow["handler"] == DOMAIN]


def name_in(flow: dict[str, Any]) -> str:
    """Return the name of the device that a discovered flow is about, as its card shows it."""
    return str(flow["context"].get("title_placeholders", {}).get("name"))


async def card_of(api: Api, name: str) -> dict[str, Any]:
    """Wait until Home Assistant has begun a flow for the device with this name, and return it."""
    flows = await until(lambda: discovered(api), lambda flows: name in map(name_in, flows), DISCOVERED, f"{name} is not discovered")
    return next(flow for flow in flows if name_in(flow) == name)


async def wait_until_discovered(api: Api, count: int) -> list[dict[str, Any]]:
    """Wait until this many devices were discovered."""
    return await until(lambda: discovered(api), lambda flows: len(flows) >= count, DISCOVERED, f"not all {count} devices are discovered")


async def pair(api: Api, flow_id: str, devices: list[Device], suite: str = "hybrid", *, relayed: bool = False) -> Pairing:
    """Walk one discovered flow to its end; the device that prints its part meanwhile is the one it belongs to.

    ``relayed``: the flow says that a relay is in between, and asks for nothing but whether the user wants that.
    """
    begun, marks = time.monotonic(), {device.kind.key: device.position for device in devices}
    answer: dict[str, Any] = {} if relayed else {"security": {"method": suite}}
    step = await api.post(f"/api/config/config_entries/flow/{flow_id}", answer)
    step = await follow(api, step, NEGOTIATED)
    code = shown_code(step) if suite == "hybrid" else None
    device = await _device_printing(devices, marks, "pairing code: " if code else "paired$")
    if code:
        step = await _compare(api, step, code, device)
    if step["type"] != "create_entry":
        raise DemoError(f"the pairing with {device.name} ended with {step['type']} {step.get('reason', step.get('errors'))}")
    await device.wait_for("paired", PRINTED, marks[device.kind.key])
    return Pairing(device, code, step["result"]["entry_id"], time.monotonic() - begun)


async def _compare(api: Api, step: dict[str, Any], code: str, device: Device) -> dict[str, Any]:
    """Answer as a person would; DemoError when the codes differ."""
    printed = device.codes()[-1]
    verdict = "same" if printed == code else "different"
    step = await api.post(f"/api/config/config_entries/flow/{step['flow_id']}", {"verdict": verdict})
    if verdict != "same":
        raise DemoError(f"Home Assistant shows {code}, {device.name} shows {printed}")
    return await follow(api, step, NEGOTIATED)


def shown_code(step: dict[str, Any]) -> str:
    """Return the six digits of the step that asks for a comparison; DemoError with the flow's own reason when it has given up."""
    if step["type"] != "form" or step["step_id"] not in ("code", "code_relayed"):
        raise DemoError(f"the flow says {step['type']} {step.get('reason', step.get('step_id'))} {step.get('errors') or ''}")
    if found := re.search(r"\b(\d{3}) ?(\d{3})\b", str((step.get("description_placeholders") or {}).get("code", ""))):
        return found[1] + found[2]
    raise DemoError(f"step {step.get('step_id')} shows no code: {step.get('description_placeholders')}")


async def follow(api: Api, step: dict[str, Any], within: float) -> dict[str, Any]:
    """Wait until a discovered flow shows something else than progress; a finished flow has nothing more to show.

    As a browser, it asks for the next step when Home Assistant has left this one: who asks at that very moment makes Home Assistant
    take the next step twice, and hears that there is no such flow.
    """
    while step["type"] in PROGRESS:
        flow_id, shown = step["flow_id"], step["step_id"]
        await until(lambda: _step_of(api, flow_id), lambda now: now != shown, within, "the flow still shows its progress")  # noqa: B023  # awaited here
        step = await api.get(f"/api/config/config_entries/flow/{flow_id}")
    return step


async def follow_own(api: Api, step: dict[str, Any], within: float) -> dict[str, Any]:
    """As `follow`, for a flow that a person has begun: Home Assistant lists none of those, so it is asked."""
    if step["type"] not in PROGRESS:
        return step
    path = f"/api/config/config_entries/flow/{step['flow_id']}"
    return await until(lambda: api.get(path), lambda shown: shown["type"] not in PROGRESS, within, "the flow still shows its progress")


async def _step_of(api: Api, flow_id: str) -> str | None:
    """Return the step that a flow is at."""
    return next((flow["step_id"] for flow in await _flows(api) if flow["flow_id"] == flow_id), None)


async def _device_printing(devices: list[Device], marks: dict[str, int], pattern: str) -> Device:
    """Return the device that has printed this since its mark."""

    async def look() -> list[Device]:
        return [device for device in devices if device.matches(pattern, marks[device.kind.key])]

    return (await until(look, bool, PRINTED, "Home Assistant is through with a device, and no device says so"))[0]

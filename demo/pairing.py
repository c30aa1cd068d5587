"""Pairing through Home Assistant's config flow, with a person's part done by comparing what the device printed."""

from dataclasses import dataclass
import re
import time
from typing import TYPE_CHECKING, Any

from .errors import DemoError
from .waiting import until

if TYPE_CHECKING:
    from .api import Api
    from .radio import Device

DOMAIN = "self_secure"

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
    """A pairing that succeeded: whose, the code both showed, the new config entry, and how long it took."""

    device: Device
    code: str
    entry_id: str
    seconds: float


async def discovered(api: Api) -> list[dict[str, Any]]:
    """Return the flows that wait for a person because a device of ours was discovered."""
    flows = await api.command("config_entries/flow/progress")
    return [flow for flow in flows if flow["handler"] == DOMAIN and flow["context"].get("source") == "bluetooth"]


async def wait_until_discovered(api: Api, count: int) -> list[dict[str, Any]]:
    """Wait until this many devices were discovered."""
    return await until(lambda: discovered(api), lambda flows: len(flows) >= count, DISCOVERED, f"not all {count} devices are discovered")


async def pair(api: Api, flow_id: str, devices: list[Device]) -> Pairing:
    """Walk one discovered flow to its end; the device that prints a code meanwhile is the one it belongs to."""
    begun, marks = time.monotonic(), {device.kind.key: device.position for device in devices}
    step = await api.post(f"/api/config/config_entries/flow/{flow_id}", {})
    step = await _wait_for_code(api, step)
    code = shown_code(step)
    device = await _device_showing(devices, marks)
    printed = device.codes(marks[device.kind.key])[-1]
    verdict = "same" if printed == code else "different"
    step = await api.post(f"/api/config/config_entries/flow/{flow_id}", {"verdict": verdict})
    if verdict != "same":
        raise DemoError(f"Home Assistant shows {code}, {device.name} shows {printed}")
    step = await _follow(api, step, NEGOTIATED)
    if step["type"] != "create_entry":
        raise DemoError(f"the pairing with {device.name} ended with {step['type']} {step.get('reason', step.get('errors'))}")
    await device.wait_for("paired", PRINTED, marks[device.kind.key])
    return Pairing(device, code, step["result"]["entry_id"], time.monotonic() - begun)


def shown_code(step: dict[str, Any]) -> str:
    """Return the six digits of the step that asks for a comparison."""
    if found := re.search(r"\b(\d{3}) ?(\d{3})\b", str((step.get("description_placeholders") or {}).get("code", ""))):
        return found[1] + found[2]
    raise DemoError(f"step {step.get('step_id')} shows no code: {step.get('description_placeholders')}")


async def _wait_for_code(api: Api, step: dict[str, Any]) -> dict[str, Any]:
    """Follow the progress to the form that shows the code; DemoError with the flow's own reason when it gives up."""
    step = await _follow(api, step, NEGOTIATED)
    if step["type"] == "form" and step["step_id"] == "code":
        return step
    raise DemoError(f"the flow says {step['type']} {step.get('reason', step.get('step_id'))} {step.get('errors') or ''}")


async def _follow(api: Api, step: dict[str, Any], within: float) -> dict[str, Any]:
    """Wait until a flow shows something else than progress; a finished flow has nothing more to show."""
    if step["type"] not in PROGRESS:
        return step
    path = f"/api/config/config_entries/flow/{step['flow_id']}"
    return await until(lambda: api.get(path), lambda shown: shown["type"] not in PROGRESS, within, "the flow still shows its progress")


async def _device_showing(devices: list[Device], marks: dict[str, int]) -> Device:
    """Return the device that has printed a code since its mark."""

    async def look() -> list[Device]:
        return [device for device in devices if device.codes(marks[device.kind.key])]

    return (await until(look, bool, PRINTED, "Home Assistant shows a code, and no device does"))[0]

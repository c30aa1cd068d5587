"""Several devices paired at once, by the flow that starts with a list of what is heard now."""

from dataclasses import dataclass
import time
from typing import TYPE_CHECKING, Any

from .errors import DemoError
from .pairing import DOMAIN, NEGOTIATED, follow_own, shown_code

if TYPE_CHECKING:
    from .api import Api
    from .radio import Device

FLOW = "/api/config/config_entries/flow"


@dataclass(frozen=True, slots=True)
class Bulk:
    """Pairings of one dialog: the code of each device by its name, and how long all took."""

    codes: dict[str, str]
    seconds: float


async def pair_at_once(api: Api, devices: list[Device]) -> Bulk:
    """Choose all these devices from the list, compare each code with what that device prints; DemoError if one fails."""
    begun, codes, marks = time.monotonic(), dict[str, str](), {device.name: device.position for device in devices}
    step = await _listed(api)
    path = f"{FLOW}/{step['flow_id']}"
    addresses = _addresses(step, devices)
    step = await follow_own(api, await api.post(path, {"devices": addresses, "security": {"method": "hybrid"}}), NEGOTIATED)
    by_name = {device.name: device for device in devices}
    while step["type"] == "form":
        code, name = shown_code(step), str(step["description_placeholders"]["name"])
        if by_name[name].codes(marks[name])[-1:] != [code]:
            raise DemoError(f"Home Assistant shows {code} for {name}, which prints {by_name[name].codes(marks[name])}")
        codes[name] = code
        step = await follow_own(api, await api.post(path, {"verdict": "same"}), NEGOTIATED)
    if step.get("reason") != "several_paired" or len(codes) != len(devices):
        raise DemoError(f"the dialog ended with {step}, {len(codes)} of {len(devices)} codes were compared")
    return Bulk(codes, time.monotonic() - begun)


async def _listed(api: Api) -> dict[str, Any]:
    """Press "Add device" and wait for the list."""
    step = await api.post(FLOW, {"handler": DOMAIN, "show_advanced_options": False})
    if step["type"] == "menu":
        step = await api.post(f"{FLOW}/{step['flow_id']}", {"next_step_id": "devices"})
    step = await follow_own(api, step, NEGOTIATED)
    if step["type"] != "form" or step["step_id"] != "choose":
        raise DemoError(f"there is no list of devices: {step}")
    return step


def _addresses(step: dict[str, Any], devices: list[Device]) -> list[str]:
    """Return the addresses that the list has for these devices; DemoError when one is missing."""
    options = next(field["selector"]["select"]["options"] for field in step["data_schema"] if field["name"] == "devices")
    found = {device.name: [one["value"] for one in options if one["label"].startswith(f"{device.name} (")] for device in devices}
    if missing := [name for name, addresses in found.items() if len(addresses) != 1]:
        raise DemoError(f"the list lacks {', '.join(missing)}: {[one['label'] for one in options]}")
    return [addresses[0] for addresses in found.values()]

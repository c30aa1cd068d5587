"""What a user of Home Assistant sees of the paired devices: their states, and the action that sends a message."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import DemoError
from .pairing import DOMAIN
from .waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .api import Api

#: States of an entity that has nothing to tell.
NOTHING = frozenset({"unavailable", "unknown"})


@dataclass(frozen=True, slots=True)
class Hub:
    """The paired devices behind a session."""

    api: Api

    async def device_id(self, name: str) -> str:
        """Return Home Assistant's id of the device with this name."""
        devices = await self.api.command("config/device_registry/list")
        entries = {entry["entry_id"] for entry in await self.entries()}
        for device in devices:
            if entries & set(device["config_entries"]) and name in (device["name"], device["name_by_user"]):
                return str(device["id"])
        raise DemoError(f"Home Assistant has no device “{name}”")

    async def entries(self) -> list[dict[str, Any]]:
        """Return the config entries of the integration."""
        return list(await self.api.command("config_entries/get", domain=DOMAIN))

    async def entities(self, name: str, platform: str) -> list[str]:
        """Return the entity ids of a device that belong to one entity platform such as ``sensor``, diagnostics left out."""
        device_id = await self.device_id(name)
        registry = await self.api.command("config/entity_registry/list")
        return [
            entity["entity_id"]
            for entity in registry
            if entity["device_id"] == device_id and entity["entity_id"].startswith(f"{platform}.") and not entity["entity_category"]
        ]

    async def states(self, name: str, platform: str) -> dict[str, str]:
        """Return the present states of those entities that have one; empty as long as the device is unknown."""
        try:
            wanted = set(await self.entities(name, platform))
        except DemoError:
            return {}
        states = await self.api.get("/api/states")
        return {state["entity_id"]: state["state"] for state in states if state["entity_id"] in wanted and state["state"] not in NOTHING}

    async def wait_for_states(self, name: str, platform: str, good: Callable[[dict[str, str]], bool], within: float) -> dict[str, str]:
        """Wait until the states of a device's entities are good and return them; DemoError tells the last ones."""
        return await until(lambda: self.states(name, platform), good, within, f"the {platform} states of {name} are not as expected")

    async def send(self, device_id: str, text: str, seconds: int | None = None) -> bool:
        """Send a text with ``self_secure.send_message``; return whether its response says that it was delivered, in so many seconds."""
        body: dict[str, Any] = {"device_id": [device_id], "message": text} | ({} if seconds is None else {"timeout": seconds})
        answer = await self.api.post(f"/api/services/{DOMAIN}/send_message?return_response", body)
        return says_delivered(answer["service_response"])


def says_delivered(response: object) -> bool:
    """Return whether every device in an action's response is reported as delivered."""
    if isinstance(response, dict):
        if "delivered" in response:
            return response["delivered"] is True
        return bool(response) and all(says_delivered(value) for value in response.values())
    if isinstance(response, list):
        return bool(response) and all(says_delivered(value) for value in response)
    return response == "delivered"

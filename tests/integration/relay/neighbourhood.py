"""A house in which Home Assistant does not hear everybody: relays, devices out of reach, and what a test does with them."""

from typing import Any

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.self_secure import reach
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.coordinator import SelfSecureCoordinator
from custom_components.self_secure.transport import paths
from self_secure_device.relay import limits
from simulation.floor_plan import FloorPlan, Kind, Spot
from simulation.places import Place
from simulation.world import Plan, World
from tests.integration.conftest import SimulatedDevice, device_entry, device_id, until, until_step

REACH = 100.0  # metres
HUB, BESIDE, HALFWAY, FAR, FARTHER = (Place(x, 0.0) for x in (0.0, 10.0, 60.0, 115.0, 170.0))
"""Each place but `BESIDE` hears the next one only."""


def house(devices: int = 4) -> World:
    """Return a world with one scanner, and devices beside it that a test carries away."""
    spots = [Spot(Kind.SCANNER, "scanner", HUB), *(Spot(Kind.DEVICE, f"device-{number}", BESIDE) for number in range(devices))]
    return World(Plan(loss=0.0, supervision_timeout=0.3, floor=FloorPlan(tuple(spots), reach=REACH)))


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hub and relays wait less for what may come: a test waits for the end of that more often than for the thing itself."""
    monkeypatch.setattr(paths, "PARK_SECONDS", 0.3)
    monkeypatch.setattr(reach, "NEAR_SECONDS", 1.0)
    monkeypatch.setattr(reach, "PATIENCE", 2.0)
    monkeypatch.setattr(reach, "RELAY_PATIENCE", 6.0)
    monkeypatch.setattr(limits, "TELL_TIME", 500)
    monkeypatch.setattr(limits, "LINGER", 300)
    monkeypatch.setattr(limits, "REST", 300)


def carry(world: World, device: SimulatedDevice, place: Place) -> None:
    """Carry a device to another place."""
    world.move(device.program.address, place)


def coordinator_of(hass: HomeAssistant, device: SimulatedDevice) -> SelfSecureCoordinator:
    """Return what serves a paired device."""
    entry: Any = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, device.identity)
    coordinator: SelfSecureCoordinator = entry.runtime_data
    return coordinator


def relay_of(hass: HomeAssistant, device: SimulatedDevice) -> str | None:
    """Return the name of the relay through which the registry shows the device; None: directly."""
    relay_id = device_entry(hass, device).via_device_id
    relay = dr.async_get(hass).async_get(relay_id) if relay_id else None
    return relay.name if relay else None


def carriers(hass: HomeAssistant, device: SimulatedDevice) -> list[str]:
    """Return the names of the relays that can carry for a device now, the best first."""
    return [relay.name() for relay, _ in coordinator_of(hass, device).reach.carrying]


def far_flow(hass: HomeAssistant, device: SimulatedDevice) -> str | None:
    """Return the id of the flow that a relay's list has begun for the device."""
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    ours = (flow for flow in flows if flow["context"].get("unique_id") == device.short_id)
    return next((flow["flow_id"] for flow in ours if flow["context"]["source"] == SOURCE_INTEGRATION_DISCOVERY), None)


async def pair_far(hass: HomeAssistant, device: SimulatedDevice) -> ConfigEntry[Any]:
    """Pair a device through the relay that hears it, as a user who compares the codes; return the entry."""
    flow_id = await until(lambda: far_flow(hass, device), 60)
    shown = await until_step(hass, await hass.config_entries.flow.async_configure(flow_id, {}))
    assert shown["step_id"] == "code_relayed", shown
    assert device.told("code")[-1] == (shown["description_placeholders"] or {})["code"]
    done = await hass.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    assert done["type"] == "create_entry", done
    await until(lambda: device.told("verified"))
    return done["result"]


async def until_adopted(hass: HomeAssistant, device: SimulatedDevice, relays: int = 1) -> None:
    """Wait until so many relays have told that they have a key with the device, and nobody is connected any more."""
    coordinator = coordinator_of(hass, device)
    await until(lambda: sum(row.adopted for _, row in coordinator.reach.hearing) == relays, 60)
    await until_idle(hass, device)


async def say(hass: HomeAssistant, device: SimulatedDevice, text: str) -> dict[str, Any]:
    """Send a text, and wait until the device has shown it; return what the action says."""
    call = {"device_id": device_id(hass, device), "message": text, "timeout": 60}
    response = await hass.services.async_call(DOMAIN, "send_message", call, blocking=True, return_response=True)
    assert response is not None
    outcome: Any = response[device_id(hass, device)]
    assert outcome["delivered"], outcome
    assert device.told("text")[-1] == text
    return dict(outcome)


async def hear(hass: HomeAssistant, device: SimulatedDevice, text: str) -> None:
    """Let a device send a text, and wait until Home Assistant has it."""
    entity_id = entity_of(hass, device, "event", "message")
    device.program.say(text)
    await until(lambda: (state := hass.states.get(entity_id)) and state.attributes.get("text") == text, 60)


def entity_of(hass: HomeAssistant, device: SimulatedDevice, platform: str, suffix: str) -> str:
    """Return the id of one of a device's entities."""
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{device.identity}-{suffix}")
    assert found is not None
    return found


def texts_from(hass: HomeAssistant, device: SimulatedDevice) -> list[str]:
    """Return where all texts that the device's entry hands on will be, in their order."""
    told: list[str] = []
    coordinator_of(hass, device).message_listeners.add(lambda _type, body: told.append(body.decode()))
    return told


async def until_idle(hass: HomeAssistant, *devices: SimulatedDevice) -> None:
    """Wait until nobody is connected with these devices, and no path leads over them."""
    for device in devices:
        coordinator = coordinator_of(hass, device)
        await until(lambda: not coordinator.client.contact.is_open and not coordinator.client.paths.in_use)  # noqa: B023  # awaited here

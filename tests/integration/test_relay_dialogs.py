"""The dialogs of a device that only a relay hears: what they offer, what they say, and when they end otherwise."""

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.self_secure import radio
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.far import FAR as FAR_DEVICES
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.protocol.limits import INNER_BODY_MAX
from custom_components.self_secure.transport import contact
from simulation.world import World

from .conftest import (
    SimulatedDevice,
    StartDevice,
    device_id,
    discovered_flow,
    failed_with,
    listed,
    notice_absence,
    pair,
    until,
    until_step,
)
from .neighbourhood import FAR, HALFWAY, carry, coordinator_of, far_flow, house, hurry, pair_far, say, until_adopted
from .test_lifecycle import FORGOTTEN, Clock
from .test_pairing_again import begin_reconfigure


@pytest.fixture
async def world(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One scanner, and devices beside it."""
    hurry(monkeypatch)
    async with house() as opened:
        yield opened


@pytest.fixture
async def home(home: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> HomeAssistant:
    """Home Assistant that stays connected until a device with several peers has heard who is there."""
    monkeypatch.setattr(contact, "LINGER_SECONDS", 0.8)
    return home


@pytest.fixture
async def relay(home: HomeAssistant, world: World, start_device: StartDevice) -> SimulatedDevice:
    """A paired relay, halfway to those that are far."""
    device = await start_device("door", 1, relay=True, name="Relay")
    await pair(home, device)
    carry(world, device, HALFWAY)
    return device


def nameless(device: SimulatedDevice) -> str:
    """Return what a device is called that has not said its name yet: a relay does not tell it."""
    return f"Self-Secure {device.short_id.upper()}"


def shown_placeholders(shown: Any) -> dict[str, str]:
    return dict(shown["description_placeholders"] or {})


async def through_the_relay(hass: HomeAssistant, shown: Any, device: SimulatedDevice) -> Any:
    """Accept the relay, compare the codes, and return what the dialog ends with."""
    assert (shown["type"], shown["step_id"]) == ("form", "relay_confirm"), shown
    assert shown_placeholders(shown)["relay"] == "Relay"
    return await compare(hass, await hass.config_entries.flow.async_configure(shown["flow_id"], {}), device)


async def compare(hass: HomeAssistant, begun: Any, device: SimulatedDevice) -> Any:
    """Wait for the code, and answer that the device shows it, too."""
    assert begun["progress_action"] == "connecting_relayed", begun
    shown = await until_step(hass, begun)
    assert shown["step_id"] == "code_relayed", shown
    assert shown_placeholders(shown) == {"name": shown_placeholders(begun)["name"], "code": device.told("code")[-1], "relay": "Relay"}
    return await hass.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})


async def test_list_offers_the_relay_for_one_device_alone(
    home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice
) -> None:
    world.move("device-0", FAR)
    far, near = await start_device("display", 0, name="Far"), await start_device("thermometer", 2, name="Near")
    await until(lambda: far_flow(home, far) and discovered_flow(home, near))
    shown = await listed(home)
    assert shown_placeholders(shown) == {"taken": "-", "passive": "-", "far": nameless(far)}
    labels = {one["value"]: one["label"] for one in shown["data_schema"].schema["devices"].config["options"]}  # type: ignore[union-attr]  # it is a form
    assert set(labels) == {near.program.address, far.short_id}
    assert labels[far.short_id].endswith(" dBm, Relay")
    both = {"devices": list(labels)}
    shown = await home.config_entries.flow.async_configure(shown["flow_id"], both)
    assert (shown["step_id"], shown["errors"]) == ("choose", {"devices": "relay_alone"})
    confirm = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": [far.short_id]})
    done = await through_the_relay(home, confirm, far)
    assert (done["type"], done["title"]) == ("create_entry", "Far")
    assert far_flow(home, far) is None


async def test_device_that_walked_away_is_paired_again_through_the_relay(
    home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice
) -> None:
    device = await start_device("display", 0, name="Far")
    entry = await pair(home, device)
    await until_adopted(home, device)
    carry(world, device, FAR)
    await say(home, device, "where are you?")
    await until(lambda: not coordinator_of(home, device).reach.is_near)
    device.program.pair()
    flow = await begin_reconfigure(home, entry)
    done = await through_the_relay(home, await home.config_entries.flow.async_configure(flow["flow_id"], {}), device)
    assert (done["type"], done["reason"]) == ("abort", "reconfigure_successful")
    await say(home, device, "a new key")
    assert entry.runtime_data.connection.record.relayed


async def test_relay_is_offered_to_a_device_that_left_before_it_was_paired(
    home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    device = await start_device("display", 0, name="Far")
    flow_id = await until(lambda: discovered_flow(home, device))
    carry(world, device, FAR)
    await until(lambda: home.data[HUB].relays.hearing(bytes.fromhex(device.short_id)))
    clock.move(FORGOTTEN + 1)
    await until(lambda: radio.heard_lately(home, relay.program.address, 1.0))
    notice_absence()
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert failed_with(shown) == "only_relay"
    assert shown_placeholders(shown)["relay"] == "Relay"
    done = await compare(home, await home.config_entries.flow.async_configure(flow_id, {}), device)
    assert (done["type"], done["title"]) == ("create_entry", "Far")


async def test_relay_that_is_gone_carries_no_pairing(
    home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice
) -> None:
    world.move("device-0", FAR)
    device = await start_device("display", 0, name="Far")
    flow_id = await until(lambda: far_flow(home, device))
    entry: Any = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, relay.identity)
    await home.config_entries.async_remove(entry.entry_id)
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert failed_with(shown) == "relay_gone"
    await until(lambda: home.data[HUB].attempts == {})


async def test_message_that_no_relay_carries(home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice) -> None:
    world.move("device-0", FAR)
    device = await start_device("display", 0, name="Far")
    await pair_far(home, device)
    await until(lambda: coordinator_of(home, device).reach.way)
    call: dict[str, object] = {"device_id": device_id(home, device), "timeout": 60}
    with pytest.raises(ServiceValidationError) as refused:
        await home.services.async_call(DOMAIN, "send_message", {**call, "message": "x" * (INNER_BODY_MAX + 1)}, blocking=True)
    assert refused.value.translation_key == "message_too_large_for_relay"
    assert refused.value.translation_placeholders == {"name": "Far", "relay": "Relay", "limit": str(INNER_BODY_MAX)}
    longest = "y" * INNER_BODY_MAX
    await say(home, device, longest)


async def test_list_where_nothing_is_set_up(home: HomeAssistant, start_device: StartDevice) -> None:
    """Before the first pairing nobody has loaded what tells of relays."""
    device = await start_device("display", 0)
    await until(lambda: discovered_flow(home, device))
    far, hub = home.data.pop(FAR_DEVICES), home.data.pop(HUB)
    shown = await listed(home)
    home.data[FAR_DEVICES], home.data[HUB] = far, hub
    assert (shown["step_id"], shown_placeholders(shown)) == ("choose", {"taken": "-", "passive": "-", "far": "-"})

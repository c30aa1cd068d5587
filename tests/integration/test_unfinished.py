"""Home Assistant is killed after the key was stored and before the entry was: the next dialog goes on with that key."""

import asyncio
from copy import deepcopy
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, Event, HomeAssistant
import pytest

from custom_components.self_secure import radio
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB, async_load_hub
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport.client import StorageError

from .conftest import HUB_ID, SimulatedDevice, StartDevice, confirm, discovered_flow, listed, pair, remove_untold, until, until_step
from .test_pairing_again import reads


async def kill_before_the_entry(
    hass: HomeAssistant, storage: dict[str, Any], device: SimulatedDevice, entry: ConfigEntry[Any]
) -> dict[str, Any]:
    """Leave what a Home Assistant finds that was killed within a second of the pairing; return the stored key."""
    key = f"{DOMAIN}.{device.identity}"
    kept = await remove_untold(hass, storage, entry)
    storage[key] = deepcopy(kept)
    await hass.data[HUB].async_note(device.identity)
    assert (await async_load_hub(hass)).unfinished == {device.identity}
    device.events.clear()
    return dict(kept["data"])


async def test_note_is_written_before_the_key(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    await pair(home, device)
    assert hass_storage[f"{DOMAIN}.hub"]["data"]["unfinished"] == [device.identity]
    assert (await async_load_hub(home)).unfinished == set()  # it has an entry now


async def test_discovered_device_goes_on_with_the_key(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    before = await kill_before_the_entry(home, hass_storage, device, await pair(home, device))
    done = await confirm(home, device)
    assert done["type"] == "create_entry", done
    assert done["result"].unique_id == device.identity
    await until(lambda: device.told("resumed"))
    await until(lambda: [one for one in home.states.async_all("sensor") if one.attributes.get("device_class") == "temperature"])
    assert device.told("code") == []
    after = hass_storage[f"{DOMAIN}.{device.identity}"]["data"]
    assert [one["number"] for one in after["pairings"]] == [one["number"] for one in before["pairings"]]


async def test_picked_device_goes_on_with_the_key(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    await kill_before_the_entry(home, hass_storage, device, await pair(home, device))
    await until(lambda: discovered_flow(home, device))
    shown = await listed(home)
    begun = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": [device.program.address]})
    assert (await until_step(home, begun))["type"] == "create_entry"
    assert device.told("code") == []


async def test_restart_in_the_middle_keeps_the_key(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    """Between the key and the entry the device is waited for, to say its name; the next start goes on as after a kill."""
    device = await start_device()
    shown = await confirm(home, device)
    await until(lambda: device.told("disconnected"))
    await device.program.stop()
    answering = asyncio.create_task(home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"}))
    await until(lambda: f"{DOMAIN}.{device.identity}" in hass_storage)
    assert home.data[HUB].attempts
    home.set_state(CoreState.stopping)
    await home.data[HUB].async_stop(Event(EVENT_HOMEASSISTANT_STOP))
    answering.cancel()
    assert hass_storage[f"{DOMAIN}.{device.identity}"]["data"]["pairings"]
    assert (await async_load_hub(home)).unfinished == {device.identity}


async def test_second_dialog_takes_the_client_of_one_that_nobody_has_ended(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    """Two clients would write over each other's state, and the first dialog would erase the key when it is closed."""
    device = await start_device(suites=(0x01,))  # without a code the key is there before anybody has gone on
    flows, flow_id = home.config_entries.flow, await until(lambda: discovered_flow(home, device))
    await flows.async_configure(flow_id, {"security": {"method": "loss"}})
    await until(lambda: flows.async_get(flow_id)["step_id"] == "finish")
    client = home.data[HUB].attempts[bytes.fromhex(device.short_id)]._client
    await until(lambda: radio.is_taken(home, device.program.address))
    shown = await listed(home)
    begun = await flows.async_configure(shown["flow_id"], {"devices": [device.program.address], "security": {"method": "loss"}})
    done = await until_step(home, begun)
    assert done["type"] == "create_entry", done
    await until(lambda: done["result"].state is ConfigEntryState.LOADED)
    assert done["result"].runtime_data.client is client
    assert flows.async_progress_by_handler(DOMAIN) == []
    assert (home.data[HUB].attempts, home.data[HUB].handovers) == ({}, {})
    assert hass_storage[f"{DOMAIN}.{device.identity}"]["data"]["pairings"]
    await reads(home, device)


@pytest.mark.parametrize("damage", [{"data": {}}, {"version": 2}])
async def test_key_that_is_damaged_is_negotiated_anew(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, damage: dict[str, Any]
) -> None:
    device = await start_device()
    await kill_before_the_entry(home, hass_storage, device, await pair(home, device))
    hass_storage[f"{DOMAIN}.{device.identity}"] |= damage
    await device.program.reset()
    shown = await confirm(home, device)
    assert shown["step_id"] == "code", shown


async def test_key_of_a_failed_attempt_is_forgotten(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = DurableStore.async_save

    async def fail(store: DurableStore, data: Any) -> None:
        await saved(store, data)
        if store.key != f"{DOMAIN}.hub":
            raise StorageError("the disk died a moment later")

    device = await start_device()
    shown = await confirm(home, device)
    monkeypatch.setattr(DurableStore, "async_save", fail)
    await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    await until(lambda: hass_storage[f"{DOMAIN}.hub"]["data"]["unfinished"] == [])
    assert f"{DOMAIN}.{device.identity}" not in hass_storage


async def test_removal_forgets_the_note(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await home.config_entries.async_remove(entry.entry_id)
    assert hass_storage[f"{DOMAIN}.hub"]["data"] == {
        "hub_id": HUB_ID,
        "options": home.data[HUB].options,
        "unfinished": [],
    }
    assert discovered_flow(home, device) is None

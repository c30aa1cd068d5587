"""Reauth and reconfigure: a new key beside the old one, for a device that has an entry."""

import asyncio
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler, ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed  # type: ignore[import-untyped]  # the plugin tells no types

from custom_components.self_secure import farewell, pairing, radio
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.coordinator import RELOAD_SECONDS
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.protocol import limits
from custom_components.self_secure.store import DurableStore

from .conftest import (
    SimulatedDevice,
    StartDevice,
    confirm,
    device_id,
    discovered_flow,
    disk_full,
    failed_with,
    pair,
    press,
    state_of,
    until,
    until_step,
)

TEMPERATURE = "sensor.test_thermometer_temperature"


def numbers_of(storage: dict[str, Any], device: SimulatedDevice) -> list[int]:
    """Return which pairings have a key on disk."""
    return [one["number"] for one in storage[f"{DOMAIN}.{device.identity}"]["data"]["pairings"]]


async def begin_reauth(hass: HomeAssistant, entry: ConfigEntry[Any]) -> ConfigFlowResult:
    """Start what a repair or the device starts, and confirm it."""
    entry.async_start_reauth(hass)
    flow = await until(lambda: next(iter(entry.async_get_active_flows(hass, {"reauth"})), None))
    assert flow["step_id"] == "reauth_confirm"
    return await until_step(hass, await hass.config_entries.flow.async_configure(flow["flow_id"], {}))


async def begin_reconfigure(hass: HomeAssistant, entry: ConfigEntry[Any]) -> ConfigFlowResult:
    """Press "Reconfigure"."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id})


async def compare(hass: HomeAssistant, device: SimulatedDevice, shown: ConfigFlowResult) -> ConfigFlowResult:
    """Answer the code step as a user whose codes are the same."""
    assert shown["step_id"] == "code", shown
    assert device.told("code")[-1] == (shown["description_placeholders"] or {})["code"]
    return await until_step(hass, await hass.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"}))


async def reads(hass: HomeAssistant, device: SimulatedDevice) -> None:
    """Wait until a new reading arrives."""
    before = state_of(hass, TEMPERATURE)
    device.program.measure()
    await until(lambda: state_of(hass, TEMPERATURE) not in (before, "unavailable", "unknown"))


async def test_reauth_of_a_loaded_entry(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    coordinator = entry.runtime_data
    await press(device)
    done = await compare(home, device, await begin_reauth(home, entry))
    assert (done["type"], done["reason"]) == ("abort", "reauth_successful")
    assert "translation_domain" not in done  # the text is ours
    assert entry.runtime_data is coordinator
    await until(lambda: numbers_of(hass_storage, device) == [2])
    await reads(home, device)


async def test_old_key_counts_while_the_user_compares(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await until(lambda: state_of(home, TEMPERATURE))
    await press(device)
    shown = await begin_reauth(home, entry)
    assert shown["step_id"] == "code", shown
    await reads(home, device)
    done = await compare(home, device, shown)
    assert done["reason"] == "reauth_successful"


async def test_button_that_was_not_pressed(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REQUEST_TIMEOUT", 1.0)
    device = await start_device()
    entry = await pair(home, device)
    shown = await begin_reauth(home, entry)
    assert failed_with(shown) == "no_request"
    state = home.states.get("event.test_thermometer_security")
    assert state
    assert (state.attributes["event_type"], state.attributes["reason"]) == ("pairing_failed", "no_request")
    assert numbers_of(hass_storage, device) == [1]
    await press(device)
    again = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {}))
    assert (await compare(home, device, again))["reason"] == "reauth_successful"


async def test_closing_the_dialog_keeps_the_old_key(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await press(device)
    shown = await begin_reauth(home, entry)
    home.config_entries.flow.async_abort(shown["flow_id"])
    await until(lambda: not home.data[HUB].attempts)
    assert entry.state is ConfigEntryState.LOADED
    assert numbers_of(hass_storage, device) == [1]
    await reads(home, device)


@pytest.mark.parametrize("damage", [None, {}, {"version": 1}])
async def test_lost_key_is_replaced(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, damage: dict[str, Any] | None
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    file = f"{DOMAIN}.{device.identity}"
    files = {None: {}, str(damage): {file: {**hass_storage[file], "data": damage}}}
    del hass_storage[file]
    hass_storage.update(files[None if damage is None else str(damage)])
    assert not await home.config_entries.async_setup(entry.entry_id)
    await press(device)
    done = await compare(home, device, await begin_reauth(home, entry))
    assert (done["type"], done["reason"]) == ("abort", "reauth_successful")
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await reads(home, device)
    assert device.told("code") == device.told("code")[:2]


async def test_unloaded_entry_is_paired_beside_its_key(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    await press(device)
    shown = await begin_reauth(home, entry)
    assert numbers_of(hass_storage, device) == [1]
    await compare(home, device, shown)
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await until(lambda: numbers_of(hass_storage, device) == [2])


async def test_entry_is_not_set_up_beside_the_dialog(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    """Two clients of one device would write over each other's state."""
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    await press(device)
    shown = await begin_reauth(home, entry)
    assert not await home.config_entries.async_setup(entry.entry_id)
    assert (entry.state, entry.error_reason_translation_key) == (ConfigEntryState.SETUP_RETRY, "being_paired")
    client = home.data[HUB].attempts[bytes.fromhex(device.short_id)]._client
    await compare(home, device, shown)
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    assert entry.runtime_data.client is client
    assert home.data[HUB].handovers == {}
    await until(lambda: numbers_of(hass_storage, device) == [2])


async def test_disabled_entry_is_paired_and_has_the_key_when_it_is_enabled(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await press(device)
    shown = await begin_reauth(home, entry)
    client: Any = home.data[HUB].attempts[bytes.fromhex(device.short_id)]._client
    assert (await compare(home, device, shown))["reason"] == "reauth_successful"
    await until(lambda: client.ended)  # nobody else would end it
    assert (home.data[HUB].handovers, entry.state) == ({}, ConfigEntryState.NOT_LOADED)
    assert await home.config_entries.async_set_disabled_by(entry.entry_id, None)
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await reads(home, device)
    assert len(device.told("code")) == 2


async def test_dialog_waits_for_an_entry_that_is_being_loaded(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await press(device)
    flow = await begin_reconfigure(home, entry)
    left = asyncio.Event()  # a look now and then could miss it
    entry.async_on_state_change(left.set)
    reloading = asyncio.create_task(home.config_entries.async_reload(entry.entry_id))
    await left.wait()
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow["flow_id"], {}))
    assert await reloading
    assert (await compare(home, device, shown))["reason"] == "reconfigure_successful"
    assert home.data[HUB].handovers == {}
    await reads(home, device)


async def test_device_that_has_another_address_is_paired_again_there(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio, "SILENCE_SECONDS", 0.5)
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    await device.program.stop()
    again = await start_device(seed=3, address="C0:00:00:00:00:77")
    again.program.pair()
    await until(lambda: radio.heard_address(home, bytes.fromhex(device.short_id), device.program.address) == again.program.address)
    flow = await begin_reconfigure(home, entry)
    begun = await home.config_entries.flow.async_configure(flow["flow_id"], {})
    assert begun["progress_action"] == "connecting_elsewhere"
    assert (begun["description_placeholders"] or {})["address"] == again.program.address
    assert (await compare(home, again, await until_step(home, begun)))["reason"] == "reconfigure_successful"
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    assert entry.data["address"] == again.program.address
    await reads(home, again)


async def test_device_that_is_removed_while_the_dialog_is_open(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farewell, "FAREWELL_SECONDS", 0.5)
    device = await start_device()
    entry = await pair(home, device)
    forms = [await begin_reconfigure(home, entry), await begin_reconfigure(home, entry)]
    await press(device)
    shown = await until_step(home, await home.config_entries.flow.async_configure(forms[0]["flow_id"], {}))
    assert shown["step_id"] == "code", shown
    await home.config_entries.async_remove(entry.entry_id)
    for flow, answer in zip(forms, ({"verdict": "same"}, {}), strict=True):
        done = await until_step(home, await home.config_entries.flow.async_configure(flow["flow_id"], answer))
        assert (done["type"], done["reason"]) == ("abort", "entry_removed")


async def test_entry_that_is_removed_before_the_last_step(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device, flows, loss = await start_device(suites=(0x01,)), home.config_entries.flow, {"security": {"method": "loss"}}
    done = await until_step(home, await flows.async_configure(await until(lambda: discovered_flow(home, device)), loss))
    entry: Any = done["result"]
    assert await home.config_entries.async_unload(entry.entry_id)
    await press(device)
    flow_id = (await begin_reconfigure(home, entry))["flow_id"]
    await flows.async_configure(flow_id, loss)
    await until(lambda: flows.async_get(flow_id)["step_id"] == "finish")
    await home.config_entries.async_remove(entry.entry_id)
    done = await flows.async_configure(flow_id)
    assert (done["type"], done["reason"]) == ("abort", "entry_removed")
    await until(lambda: home.data[HUB].attempts == {})
    assert (home.data[HUB].handovers, f"{DOMAIN}.{device.identity}" in hass_storage) == ({}, False)


async def test_unloaded_entry_that_is_removed_while_its_device_is_paired_again(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    await press(device)
    flow = await begin_reconfigure(home, entry)
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow["flow_id"], {}))
    await home.config_entries.async_remove(entry.entry_id)
    done = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    assert (done["type"], done["reason"]) == ("abort", "entry_removed")
    assert f"{DOMAIN}.{device.identity}" not in hass_storage


async def test_second_dialog_ends_the_first(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    entry.async_start_reauth(home)
    first = await until(lambda: next(iter(entry.async_get_active_flows(home, {"reauth"})), None))
    waiting = await home.config_entries.flow.async_configure(first["flow_id"], {})
    assert waiting["type"] == "progress"
    await until(lambda: home.data[HUB].attempts)
    second = await begin_reconfigure(home, entry)
    device.program.pair()
    begun = await home.config_entries.flow.async_configure(second["flow_id"], {})
    assert failed_with(await until_step(home, waiting)) == "cancelled"
    assert (await compare(home, device, await until_step(home, begun)))["reason"] == "reconfigure_successful"


async def test_key_that_cannot_be_read_is_not_replaced(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    hass_storage[f"{DOMAIN}.{device.identity}"]["version"] = 2
    assert failed_with(await begin_reauth(home, entry)) == "not_stored"
    await until(lambda: not home.data[HUB].attempts)
    assert not await home.config_entries.async_setup(entry.entry_id)
    flow = await begin_reconfigure(home, entry)
    done = await home.config_entries.flow.async_configure(flow["flow_id"], {})
    assert (done["type"], done["reason"]) == ("abort", "newer_version")


async def test_reset_device_is_paired_again_under_its_entry(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    before = device_id(home, device)
    await device.program.reset()
    done = await compare(home, device, await begin_reauth(home, entry))
    assert done["reason"] == "reauth_successful"
    assert device_id(home, device) == before
    await until(lambda: numbers_of(hass_storage, device) == [2])
    await reads(home, device)


async def test_reconfigure_lowers_what_is_accepted_of_this_device(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await device.program.stop()
    weak = await start_device(suites=(0x01,), seed=2)
    weak.program.pair()
    flow = await begin_reconfigure(home, entry)
    assert flow["step_id"] == "reconfigure"
    lower = {"security": {"method": "loss"}}
    done = await until_step(home, await home.config_entries.flow.async_configure(flow["flow_id"], lower))
    assert (done["type"], done["reason"]) == ("abort", "reconfigure_successful"), done
    assert "translation_domain" not in done  # the text is ours
    assert entry.options["floor"] == 0x01
    assert [one for one in ir.async_get(home).issues.values() if one.domain == DOMAIN] == []
    stored = hass_storage[f"{DOMAIN}.{device.identity}"]["data"]["pairings"][0]["record"]
    assert (stored["suite"], stored["floor"]) == (0x01, 0x01)


async def test_other_device_in_its_place(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await device.program.stop()
    await start_device("thermometer", 1, identity=bytes(16), address=device.program.address)
    shown = await begin_reauth(home, entry)
    assert failed_with(shown) == "wrong_device"
    assert numbers_of(hass_storage, device) == [1]


async def test_answer_that_takes_too_long_to_store(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_store: DurableStore, _data: object) -> None:
        await asyncio.sleep(1)

    monkeypatch.setattr(pairing, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(DurableStore, "async_save", never)
    device = await start_device()
    shown = await confirm(home, device)
    assert failed_with(await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})) == "not_stored"


async def test_failed_write_is_told_as_long_as_the_client_has_not_been_built_anew(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    ended = entry.runtime_data
    await press(device)
    shown = await begin_reauth(home, entry)
    with monkeypatch.context() as full:
        full.setattr(DurableStore, "async_save", disk_full)
        failed = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
        assert failed_with(failed) == "not_stored"
        again = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {}))
        assert failed_with(again) == "not_stored"
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(seconds=RELOAD_SECONDS + 1))
    await until(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data is not ended)
    await device.program.reset()  # which need not wait for the answer to the first code
    again = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {}))
    assert (await compare(home, device, again))["reason"] == "reauth_successful"

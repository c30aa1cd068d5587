"""Options of one device and of all, old samples of what is stored, and devices that may be deleted."""

import json
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]  # the plugin tells no types

from custom_components.self_secure import async_remove_config_entry_device, hub
from custom_components.self_secure.care import Care
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport import contact
from custom_components.self_secure.transport.client import StorageError
from self_secure_device.keyring import Key, encode
from self_secure_device.suites import find

from .conftest import HUB_ID, SimulatedDevice, StartDevice, device_entry, disk_full, pair, until
from .metadata import ROOT

SAMPLE = ROOT / "tests" / "protocol" / "samples" / "snapshot_1.json"
HUB_DEFAULTS = {"minimum": 16, "target_bits": 4, "assumed_loss": 20, "w": 32, "omega": 5, "floor": "hybrid"}


@pytest.fixture
async def thermometer(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    device = await start_device()
    await pair(home, device)
    return device


def entry_of(hass: HomeAssistant) -> ConfigEntry[Any]:
    return hass.config_entries.async_entries(DOMAIN)[0]


async def hass_form(hass: HomeAssistant) -> Any:
    """Open the options."""
    form = await hass.config_entries.options.async_init(entry_of(hass).entry_id)
    assert (form["type"], form["step_id"]) == ("form", "init")
    return form


async def choose(hass: HomeAssistant, hub: dict[str, Any] | None = None, **device: Any) -> Any:
    """Fill the form and submit it."""
    form = await hass_form(hass)
    given = {"keep_connected": False, "poll_minutes": 0, **device, "hub": {**HUB_DEFAULTS, **(hub or {})}}
    return await hass.config_entries.options.async_configure(form["flow_id"], given)


async def test_options_of_the_device(home: HomeAssistant, thermometer: SimulatedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "LINGER_SECONDS", 0.2)
    before = entry_of(home).runtime_data
    done = await choose(home, keep_connected=True, poll_minutes=5)
    assert done["type"] == "create_entry"
    assert entry_of(home).options == {"keep_connected": True, "poll_minutes": 5}
    await until(lambda: entry_of(home).state is ConfigEntryState.LOADED and entry_of(home).runtime_data is not before)
    link = entry_of(home).runtime_data.client.contact
    await until(lambda: link.is_open and thermometer.told("resumed"))
    await until(lambda: entry_of(home).runtime_data.connection.epoch)
    thermometer.events.clear()
    thermometer.program.measure()
    await until(lambda: thermometer.told("delivered"))
    assert link.is_open
    assert link.next_deadline(wanted=False) is None


async def test_kept_link_gives_way_to_who_has_something_to_do(
    home: HomeAssistant, thermometer: SimulatedDevice, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(hub, "SLOTS_PER_RECEIVER", 0)  # one link of all devices at a time is the least
    before, entry = entry_of(home).runtime_data, entry_of(home)
    await choose(home, keep_connected=True)
    await until(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data is not before)
    link = entry.runtime_data.client.contact
    await until(lambda: link.is_open and entry.runtime_data.connection.epoch)
    await pair(home, await start_device("door", 1))
    assert not link.is_open
    await until(lambda: link.is_open)  # again, as soon as nobody else needs the slot


async def test_poll_contacts_a_device_that_is_silent(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    coordinator = entry_of(home).runtime_data
    await until(lambda: thermometer.told("disconnected"))
    await until(lambda: not coordinator.client.contact.is_open and not coordinator.connection.wants_link)
    thermometer.events.clear()
    Care(home, coordinator).poll()
    await until(lambda: thermometer.told("connected"))


async def test_options_of_all_devices(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, start_device: StartDevice
) -> None:
    """Every device obeys them, and none has to be contacted again for that."""
    await pair(home, await start_device("door", 1))
    entries = home.config_entries.async_entries(DOMAIN)
    before = [entry.runtime_data for entry in entries]
    done = await choose(home, {"w": 8, "omega": 2, "target_bits": 10, "floor": "loss"})
    assert done["type"] == "create_entry"
    options = hass_storage[f"{DOMAIN}.hub"]["data"]["options"]
    assert (options["w"], options["omega"], options["target_bits"], options["floor"]) == (8, 2, 10, 0x01)
    assert home.data[HUB].floor == 0x01
    await home.async_block_till_done()
    assert len(before) == 2
    assert [entry.runtime_data for entry in entries] == before
    await until(lambda: [entry.runtime_data.connection._settings.w for entry in entries] == [8, 8])


async def test_device_is_loaded_anew_once(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    loaded: list[ConfigEntryState] = []
    entry = entry_of(home)
    entry.async_on_state_change(lambda: loaded.append(entry.state))
    await choose(home, {"w": 16}, poll_minutes=5)
    await until(lambda: ConfigEntryState.LOADED in loaded)
    await home.async_block_till_done()
    assert loaded.count(ConfigEntryState.LOADED) == 1


async def test_secrecy_that_no_broadcast_reaches(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    form = await hass_form(home)
    given: dict[str, Any] = {"keep_connected": False, "poll_minutes": 3, "hub": {**HUB_DEFAULTS, "target_bits": 30, "assumed_loss": 1}}
    shown: Any = await home.config_entries.options.async_configure(form["flow_id"], given)
    assert shown["errors"] == {"base": "target_unreachable"}
    assert shown["description_placeholders"] == {"packets": "2048", "bits": "29", "loss": "1"}
    assert {str(key): key.default() for key in shown["data_schema"].schema if str(key) != "hub"} == {
        "keep_connected": False,
        "poll_minutes": 3,
    }
    given["hub"]["target_bits"] = 29
    assert (await home.config_entries.options.async_configure(form["flow_id"], given))["type"] == "create_entry"


async def test_options_that_cannot_be_written(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, unknown = home.data[HUB], "00" * 16
    with monkeypatch.context() as full:
        full.setattr(DurableStore, "async_save", disk_full)
        shown = await choose(home, {"w": 8})
        assert shown["errors"] == {"base": "not_stored"}
        with pytest.raises(StorageError):
            await shared.async_note(unknown)
    await shared.async_note("11" * 16)  # the next write does not bring them along
    stored = hass_storage[f"{DOMAIN}.hub"]["data"]
    assert ("w" in shared.options, "w" in stored["options"]) == (False, False)
    assert unknown not in (*shared.unfinished, *stored["unfinished"])


async def test_options_without_the_hub(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    shared = home.data.pop(HUB)
    done = await home.config_entries.options.async_init(entry_of(home).entry_id)
    home.data[HUB] = shared
    assert (done["type"], done["reason"]) == ("abort", "not_set_up")


async def test_old_sample_goes_on_with_a_device_that_has_waited_for_it(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, tmp_path: Path
) -> None:
    """Version 1 as it was first written; the device holds the key of the sample's first pairing, as it did then."""
    sample = json.loads(SAMPLE.read_text())
    identity, first = sample["identity"], sample["pairings"][1]
    (epoch, stored), *_ = first["keys"].items()
    key = Key(bytes.fromhex(HUB_ID), find(first["record"]["suite"]), first["number"], int(epoch), bytes.fromhex(stored), committed=True)
    (tmp_path / "device-0").write_bytes(encode(bytes.fromhex(identity), [key]))
    file = f"{DOMAIN}.{identity}"
    hass_storage[file] = {"version": 1, "minor_version": 1, "key": file, "data": sample}
    device = await start_device("display")
    data = {"address": device.program.address, "identity": identity, "hub_id": HUB_ID, "name": "Sample"}
    entry = MockConfigEntry(domain=DOMAIN, unique_id=identity, title="Sample", data=data)
    entry.add_to_hass(home)
    assert await home.config_entries.async_setup(entry.entry_id)
    await until(lambda: device.told("resumed"))
    await until(lambda: device.told("text"))
    assert (device.told("bytes"), device.told("text")) == ([bytes.fromhex("007761697473")], ["new"])  # what was queued then
    assert entry.runtime_data.connection.record.floor == 0x11
    await until(lambda: hass_storage[file]["data"]["queue"] == [])


async def test_only_a_stale_device_may_be_deleted(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    entry = entry_of(home)
    assert not await async_remove_config_entry_device(home, entry, device_entry(home, thermometer))
    stale = dr.async_get(home).async_get_or_create(config_entry_id=entry.entry_id, identifiers={(DOMAIN, "stale")})
    assert await async_remove_config_entry_device(home, entry, stale)

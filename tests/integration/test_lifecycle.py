"""Reload, power loss, lost and damaged keys, removal, addresses: what an entry lives through."""

import logging
from time import monotonic
from typing import Any

from homeassistant.components import bluetooth
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.self_secure import coordinator as coordinator_module, farewell, lifecycle, radio
from custom_components.self_secure.addresses import ADDRESSES_MAX
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.diagnostics import async_get_config_entry_diagnostics
from custom_components.self_secure.hub import async_load_hub
from custom_components.self_secure.issues import Issue, issue_id
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport.beacon import BeaconState
from custom_components.self_secure.transport.link import LinkErrorKind
from simulation.world import World

from .conftest import (
    SimulatedDevice,
    StartDevice,
    device_entry,
    device_id,
    discovered_flow,
    disk_full,
    notice_absence,
    pair,
    state_of,
    until,
)

FORGOTTEN = 195.0  # s after which a scanner forgets a device that it could connect to
TEMPERATURE = "sensor.test_thermometer_temperature"


@pytest.fixture
async def thermometer(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired thermometer that has been read."""
    device = await start_device()
    await pair(home, device)
    await until(lambda: state_of(home, TEMPERATURE))
    return device


def entry_of(hass: HomeAssistant) -> Any:
    return hass.config_entries.async_entries(DOMAIN)[0]


async def next_reading(hass: HomeAssistant, device: SimulatedDevice) -> str | None:
    """Let the device measure until Home Assistant shows another value."""
    before = state_of(hass, TEMPERATURE)

    def changed() -> str | None:
        now = state_of(hass, TEMPERATURE)
        return now if now not in (before, "unavailable", "unknown") else None

    device.program.measure()
    return str(await until(changed))


async def test_reload_resumes_without_the_user(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    codes = thermometer.told("code")
    shown = state_of(home, TEMPERATURE)
    assert await home.config_entries.async_reload(entry_of(home).entry_id)
    assert state_of(home, TEMPERATURE) == shown
    await until(lambda: thermometer.told("resumed"))
    assert await next_reading(home, thermometer)
    assert thermometer.told("code") == codes


async def test_key_that_cannot_be_read_now_is_tried_again(
    home: HomeAssistant, thermometer: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_store: DurableStore) -> None:
        raise HomeAssistantError("the disk does not answer")

    entry = entry_of(home)
    with monkeypatch.context() as broken:
        broken.setattr(DurableStore, "async_load", fail)
        assert not await home.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "store_unreadable"
    assert await home.config_entries.async_reload(entry.entry_id)
    await until(lambda: thermometer.told("resumed"))


async def test_device_without_memory_resumes_without_the_user(
    home: HomeAssistant, thermometer: SimulatedDevice, start_device: StartDevice
) -> None:
    await thermometer.program.stop()
    again = await start_device(seed=2)
    assert again.identity == thermometer.identity
    await until(lambda: again.told("resumed"))
    assert await next_reading(home, again)
    assert again.told("code") == []


async def test_dropped_connections_continue_the_chain(home: HomeAssistant, thermometer: SimulatedDevice, world: World) -> None:
    for _ in range(3):
        world.devices[0].cut()
        assert await next_reading(home, thermometer)
    assert thermometer.told("resumed") == []


async def test_key_that_is_gone_is_not_begun_from_zero(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice
) -> None:
    entry = entry_of(home)
    assert await home.config_entries.async_unload(entry.entry_id)
    del hass_storage[f"{DOMAIN}.{thermometer.identity}"]
    assert not await home.config_entries.async_setup(entry.entry_id)
    assert (entry.state, entry.error_reason_translation_key) == (ConfigEntryState.SETUP_ERROR, "key_lost")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": {"version": 1}}, "key_lost"),
        ({"data": {}}, "key_lost"),
        ({"data": {"version": 2}}, "newer_version"),
        ({"version": 2}, "newer_version"),
    ],
)
async def test_key_that_cannot_be_used(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, change: dict[str, Any], reason: str
) -> None:
    entry = entry_of(home)
    assert await home.config_entries.async_unload(entry.entry_id)
    hass_storage[f"{DOMAIN}.{thermometer.identity}"] |= change
    assert not await home.config_entries.async_setup(entry.entry_id)
    assert (entry.state, entry.error_reason_translation_key) == (ConfigEntryState.SETUP_ERROR, reason)


async def test_removal_erases_the_key(home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice) -> None:
    assert f"{DOMAIN}.{thermometer.identity}" in hass_storage
    await home.config_entries.async_remove(entry_of(home).entry_id)
    assert f"{DOMAIN}.{thermometer.identity}" not in hass_storage
    assert state_of(home, TEMPERATURE) is None


async def test_removed_device_is_told_and_discovered_again(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    await home.config_entries.async_remove(entry_of(home).entry_id)
    assert thermometer.told("forgotten") == [None]
    thermometer.events.clear()
    entry = await pair(home, thermometer)
    assert entry.unique_id == thermometer.identity
    await until(lambda: state_of(home, TEMPERATURE))


async def test_removal_of_a_device_that_is_told_nothing_ends_in_time(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farewell, "FAREWELL_SECONDS", 0.5)
    await thermometer.program.stop()
    await home.config_entries.async_remove(entry_of(home).entry_id)
    assert thermometer.told("forgotten") == []
    assert f"{DOMAIN}.{thermometer.identity}" not in hass_storage


async def test_removal_without_a_key_has_nothing_to_say(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice
) -> None:
    entry = entry_of(home)
    assert await home.config_entries.async_unload(entry.entry_id)
    del hass_storage[f"{DOMAIN}.{thermometer.identity}"]
    await home.config_entries.async_remove(entry.entry_id)
    assert thermometer.told("forgotten") == []
    assert home.config_entries.async_entries(DOMAIN) == []


async def test_pair_again_after_removal_and_reset(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    await home.config_entries.async_remove(entry_of(home).entry_id)
    await thermometer.program.reset()
    thermometer.events.clear()
    entry = await pair(home, thermometer)
    assert entry.unique_id == thermometer.identity
    await until(lambda: state_of(home, TEMPERATURE))


async def test_failed_write_stops_the_send_and_the_entry_begins_anew(
    home: HomeAssistant, thermometer: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "RELOAD_SECONDS", 0.2)
    before = entry_of(home).runtime_data
    with monkeypatch.context() as broken:
        broken.setattr(DurableStore, "async_save", disk_full)
        call = {"device_id": device_id(home, thermometer), "message": "never", "timeout": 1}
        with pytest.raises(HomeAssistantError) as caught:
            await home.services.async_call(DOMAIN, "send_message", call, blocking=True)
        assert caught.value.translation_key == "not_ready"
        await until(lambda: state_of(home, TEMPERATURE) == "unavailable")
    entry_id = entry_of(home).entry_id
    assert ir.async_get(home).async_get_issue(DOMAIN, issue_id(Issue.NOT_STORED, entry_id))
    await until(lambda: entry_of(home).state is ConfigEntryState.LOADED and entry_of(home).runtime_data is not before)
    assert thermometer.told("text") == []
    await until(lambda: ir.async_get(home).async_get_issue(DOMAIN, issue_id(Issue.NOT_STORED, entry_id)) is None)
    assert await next_reading(home, thermometer)


async def test_new_address_of_a_known_device(
    home: HomeAssistant, thermometer: SimulatedDevice, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio, "SILENCE_SECONDS", 0.5)
    for number in range(2 * ADDRESSES_MAX):  # false beacons keep nobody from finding the true one
        entry_of(home).runtime_data.async_address_seen(f"C0:00:00:00:01:{number:02X}")
    assert len(entry_of(home).runtime_data._addresses) == ADDRESSES_MAX
    await thermometer.program.stop()
    again = await start_device(seed=3, address="C0:00:00:00:00:77")
    await until(lambda: again.told("resumed"))
    assert await next_reading(home, again)
    assert entry_of(home).data["address"] == "C0:00:00:00:00:77"
    assert device_entry(home, again).connections == {("bluetooth", "C0:00:00:00:00:77")}
    assert discovered_flow(home, again) is None


async def test_address_that_changed_while_the_entry_was_not_loaded(
    home: HomeAssistant, thermometer: SimulatedDevice, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio, "SILENCE_SECONDS", 0.5)
    entry = entry_of(home)
    assert await home.config_entries.async_unload(entry.entry_id)
    await thermometer.program.stop()
    again = await start_device(seed=3, address="C0:00:00:00:00:77")
    await until(lambda: radio.can_connect(home, again.program.address))
    assert await home.config_entries.async_setup(entry.entry_id)
    await until(lambda: again.told("resumed"))
    assert await next_reading(home, again)
    assert entry.data["address"] == again.program.address


async def test_false_address_keeps_nobody_from_the_true_one(
    home: HomeAssistant, thermometer: SimulatedDevice, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = bytes.fromhex(thermometer.short_id) + bytes(12)
    await start_device(number=1, identity=identity, address="C0:00:00:00:00:88")
    coordinator = entry_of(home).runtime_data
    await until(lambda: len(coordinator._addresses) == 2)
    monkeypatch.setattr(radio, "SILENCE_SECONDS", 0.0)
    assert await next_reading(home, thermometer)
    assert entry_of(home).data["address"] == thermometer.program.address


async def test_stopping_home_assistant_disconnects(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    thermometer.program.measure()
    await until(lambda: entry_of(home).runtime_data.client.contact.is_open)
    entry_of(home).runtime_data.client.contact.back_off.until = 0.0
    await home.async_stop(force=True)
    assert not entry_of(home).runtime_data.client.contact.is_open


async def test_no_key_in_entry_diagnostics_log_or_states(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    stored = hass_storage[f"{DOMAIN}.{thermometer.identity}"]["data"]
    keys = [key for pairing in stored["pairings"] for key in pairing["keys"].values()]
    diagnostics = await async_get_config_entry_diagnostics(home, entry_of(home))
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("custom_components.self_secure")]
    everywhere = repr((entry_of(home).data, entry_of(home).options, diagnostics, home.states.async_all(), ours))
    assert keys
    assert not [key for key in keys if key in everywhere]
    assert thermometer.identity not in repr(diagnostics)
    assert thermometer.program.address not in repr(diagnostics)
    assert diagnostics["pairings"][0]["record"]["verified"] is True


async def test_hub_identity_survives_its_file(home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice) -> None:
    known = hass_storage.pop(f"{DOMAIN}.hub")["data"]["hub_id"]
    assert (await async_load_hub(home)).hub_id.hex() == known
    assert hass_storage[f"{DOMAIN}.hub"]["data"]["hub_id"] == known


async def test_shared_file_that_cannot_be_used_is_told(
    home: HomeAssistant, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[str]:
        return [issue_id for domain, issue_id in ir.async_get(home).issues if domain == DOMAIN]

    good = hass_storage[f"{DOMAIN}.hub"]
    hass_storage[f"{DOMAIN}.hub"] = {"version": 2, "minor_version": 1, "data": {}}
    assert not await lifecycle.async_setup(home)
    assert told() == ["hub_newer_version"]
    del hass_storage[f"{DOMAIN}.hub"]
    with monkeypatch.context() as full:
        full.setattr(DurableStore, "async_save", disk_full)
        assert not await lifecycle.async_setup(home)
    assert told() == ["hub_newer_version", "hub_unusable"]
    hass_storage[f"{DOMAIN}.hub"] = good
    assert await lifecycle.async_setup(home)
    assert told() == []


async def test_unknown_options_of_the_hub_are_left_alone(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    data = {"hub_id": "00" * 16, "options": {"minimum": 99, "colour": "red", "hub_id": "11"}}
    hass_storage[f"{DOMAIN}.hub"] = {"version": 1, "minor_version": 1, "data": data}
    hub = await async_load_hub(hass)
    assert (hub.hub_id, hub.options) == (bytes(16), {"minimum": 99})
    assert hass_storage[f"{DOMAIN}.hub"]["data"] == data


async def test_door_is_as_before_after_a_reload(home: HomeAssistant, start_device: StartDevice) -> None:
    door = await start_device("door")
    entry = await pair(home, door)
    door.program.set_open(True)
    await until(lambda: state_of(home, "binary_sensor.test_door_door") == "on")
    before = {one.entity_id: one.state for one in home.states.async_all("binary_sensor")}
    await door.program.stop()
    assert await home.config_entries.async_reload(entry.entry_id)
    assert {one.entity_id: one.state for one in home.states.async_all("binary_sensor")} == before


class Clock:
    """What Home Assistant and its scanners read time from: the machine's, and what a test adds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.added = 0.0
        for module in ("simulation.scanner", "habluetooth.manager", "habluetooth.base_scanner"):
            monkeypatch.setattr(f"{module}.monotonic_time_coarse", lambda: monotonic() + self.added)

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.added += seconds


async def learn_interval(hass: HomeAssistant, device: SimulatedDevice, clock: Clock, seconds: float) -> float:
    """Let so much time pass between the device's advertisements, until Home Assistant has learned that; return what it has learned."""
    address = device.program.address
    stop = bluetooth.async_register_advertisement_callback(hass, lambda _: clock.move(seconds), address)
    learned: float = await until(lambda: bluetooth.async_get_learned_advertising_interval(hass, address))
    stop()
    return learned


async def test_device_that_advertises_seldom_is_called_away_when_it_is(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is silent for longer than scanners remember. What is unavailable is logged once, and so is the return."""
    caplog.set_level(logging.INFO, coordinator_module.__name__)
    clock = Clock(monkeypatch)
    device = await start_device()
    learned = await learn_interval(home, device, clock, 2 * FORGOTTEN)
    await pair(home, device)
    await until(lambda: state_of(home, TEMPERATURE))
    coordinator = entry_of(home).runtime_data
    await until(lambda: not coordinator.client.contact.is_open)
    await until(lambda: bluetooth.async_last_service_info(home, device.program.address))
    await device.program.stop()
    for silence, available in ((FORGOTTEN + 1, True), (learned, False), (1.0, False)):
        clock.move(silence)
        notice_absence()
        coordinator._check_presence(dt_util.utcnow())
        assert (state_of(home, TEMPERATURE) != "unavailable") is available
    await start_device(seed=2)
    await until(lambda: state_of(home, TEMPERATURE) not in ("unavailable", "unknown", None))
    texts = [one.getMessage() for one in caplog.records if one.name == coordinator_module.__name__]
    assert [sum(word in text for text in texts) for word in ("out of range", "is back")] == [1, 1]


async def test_device_that_comes_back_as_it_was_gets_at_once_what_waits_for_it(
    home: HomeAssistant, start_device: StartDevice, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(radio, "SILENCE_SECONDS", 0.5)
    device = await start_device("display")
    await pair(home, device)
    coordinator = entry_of(home).runtime_data
    client, address = coordinator.client, device.program.address
    await until(lambda: not client._link_open and client._beacon_state == BeaconState.PAIRED)
    world.switch(address, on=False)
    clock.move(FORGOTTEN + 1)

    def forgotten() -> bool:
        notice_absence()
        return not radio.can_connect(home, address)

    await until(forgotten)
    await coordinator.async_send(MessageType.TEXT, b"welcome back")
    await until(lambda: client.contact.error and client.contact.error.kind is LinkErrorKind.NOT_FOUND)
    client.contact.back_off.until = home.loop.time() + 60  # as after some minutes
    await until(lambda: home.loop.time() > coordinator._heard + radio.SILENCE_SECONDS)
    assert client._beacon_state == BeaconState.PAIRED
    world.switch(address, on=True)
    await until(lambda: device.told("text"), 5)

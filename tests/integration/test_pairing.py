"""Pairing through the config flow, on the radio: what succeeds, and what each failure says and leaves behind."""

import asyncio
import json
from pathlib import Path
from typing import Any

from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import config_flow, pairing, pairing_flow, radio
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.pairing import PairingAttempt
from custom_components.self_secure.pairing_errors import AlreadyPairedError, PairingError
from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport.beacon import RandomPacket
from custom_components.self_secure.transport.link import LinkErrorKind
from self_secure_device_linux import radio as device_radio
from simulation.scanner import VirtualScanner
from simulation.world import World

from .conftest import (
    StartDevice,
    change_scanners,
    confirm,
    discovered_flow,
    disk_full,
    failed_with,
    listed,
    pair,
    remove_untold,
    state_of,
    until,
    until_step,
)

ERRORS = json.loads((Path(config_flow.__file__).parent / "translations" / "en.json").read_text())["config"]["error"]


def stored_keys(storage: dict[str, Any]) -> list[str]:
    """Return which devices have a key on disk."""
    return [name for name in storage if name.startswith(f"{DOMAIN}.") and name not in (f"{DOMAIN}.hub", f"{DOMAIN}.tallies")]


async def test_pair_and_read(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert (entry.unique_id, entry.title) == (device.identity, "Test thermometer")
    assert set(entry.data) == {"address", "identity", "hub_id", "name", "model", "version", "capabilities"}
    assert stored_keys(hass_storage) == [f"{DOMAIN}.{device.identity}"]
    temperature = await until(lambda: state_of(home, "sensor.test_thermometer_temperature"))
    assert -40 < float(temperature) < 60
    assert state_of(home, "binary_sensor.test_thermometer_code_compared") == "on"


async def test_progress_tells_packets_loss_and_secrecy(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing_flow, "REFRESH_SECONDS", 0.05)
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    result = await home.config_entries.flow.async_configure(flow_id, {})
    texts = []
    while result["type"] == "progress":
        texts.append((result["progress_action"], dict(result["description_placeholders"] or {})))
        await asyncio.sleep(0.1)
        result = await home.config_entries.flow.async_configure(flow_id)
    assert texts[0] == ("connecting", {"name": f"Self-Secure {device.short_id.upper()}", "address": device.program.address})
    action, shown = texts[-1]
    assert action == "collecting"
    assert int(shown["packets"]) > 0
    assert 0 <= int(shown["loss"]) <= 100
    assert (shown["minimum"], shown["target"], shown["scanners"]) == ("16", "4", "2")


async def test_codes_differ(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    shown = await confirm(home, device)
    done = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "different"})
    assert failed_with(done) == "different_code_suspicious"
    assert "Reset" in ERRORS["different_code_suspicious"]
    assert not home.config_entries.async_entries(DOMAIN)
    assert stored_keys(hass_storage) == []
    await until(lambda: discovered_flow(home, device))


async def test_pair_again_after_codes_differed(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    shown = await confirm(home, device)
    await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "different"})
    await device.program.reset()
    device.events.clear()
    assert (await pair(home, device)).unique_id == device.identity


async def test_device_without_display_stays_unverified(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await pair(home, device, "not_shown")
    assert device.told("verified") == [False]
    await until(lambda: state_of(home, "binary_sensor.test_thermometer_code_compared") == "off")


async def test_closing_the_dialog_ends_both_sides(home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice) -> None:
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    await home.config_entries.flow.async_configure(flow_id, {})
    await until(lambda: device.program.core.broadcasting)
    home.config_entries.flow.async_abort(flow_id)
    await until(lambda: device.told("pairing_failed"))
    await until(lambda: not home.data[HUB].attempts)
    assert not device.program.core.broadcasting
    assert stored_keys(hass_storage) == []
    await pair(home, device)


async def test_closing_the_dialog_at_the_code(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device has the key and waits for the answer: it asks again only after its button, a reset, or eleven minutes."""
    device = await start_device()
    shown = await confirm(home, device)
    home.config_entries.flow.async_abort(shown["flow_id"])
    await until(lambda: not home.data[HUB].attempts)
    assert stored_keys(hass_storage) == []
    assert device.told("pairing_failed") == []
    with monkeypatch.context() as brief:
        brief.setattr(limits, "REQUEST_TIMEOUT", 1.0)
        shown = await confirm(home, device)
        assert failed_with(shown) == "no_request"
    await device.program.reset()
    shown = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {}))
    assert device.told("code")[-1] == (shown["description_placeholders"] or {})["code"]


async def test_key_that_cannot_be_written(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await start_device()
    shown = await confirm(home, device)
    monkeypatch.setattr(DurableStore, "async_save", disk_full)
    done = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    assert failed_with(done) == "not_stored"
    assert stored_keys(hass_storage) == []
    assert device.told("verified") == []


async def test_radio_path_that_cannot_connect(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    await change_scanners(home, connectable=False)
    proxy = VirtualScanner("A0:5E:5C:00:01:03", "somewhere else")  # else nothing could connect to anything
    remove = bluetooth.async_register_scanner(home, proxy)
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert failed_with(shown) == "not_connectable"
    assert (shown["description_placeholders"] or {})["reason"]
    remove()
    await change_scanners(home, connectable=True)
    await until(lambda: radio.can_connect(home, device.program.address))
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert shown["step_id"] == "code", shown


async def test_device_that_nobody_hears(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    await device.program.stop()
    bluetooth.async_clear_advertisement_history(home, device.program.address)  # as after a quarter of an hour
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert failed_with(shown) == "not_heard"


async def test_receivers_that_remember_other_services_ask_the_device(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    scanners = [scanner for scanner in bluetooth.async_current_scanners(home) if isinstance(scanner, VirtualScanner)]
    for scanner in scanners:
        scanner.host.stale.add(device.program.address)
    shown = await confirm(home, device)
    assert shown["step_id"] == "code", shown
    assert len([scanner for scanner in scanners if scanner.host.stale]) < len(scanners)


async def test_device_without_the_service(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONTACT_TIMEOUT", 2.0)
    monkeypatch.setattr(device_radio, "NOTIFY_UUID", "7a6f0009-5e1f-4c0d-8d3a-5e1f5ec0de00")
    assert failed_with(await confirm(home, await start_device())) == "unsupported"


async def test_address_that_changes_while_the_dialog_is_open(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    await device.program.stop()
    again = await start_device(identity=bytes.fromhex(device.identity), address="C0:00:00:00:00:77")
    with monkeypatch.context() as brief:
        brief.setattr(limits, "CONTACT_TIMEOUT", 1.0)
        begun = await home.config_entries.flow.async_configure(flow_id, {})
        await until(lambda: home.data[HUB].attempts)
        await asyncio.sleep(0.8)
        brief.setattr(radio, "SILENCE_SECONDS", 0.5)
        shown = await until_step(home, begun)
        assert failed_with(shown) == "address_changed"
        assert (shown["description_placeholders"] or {})["address"] == again.program.address
        begun = await home.config_entries.flow.async_configure(flow_id, {})
    shown = await until_step(home, begun)
    assert shown["step_id"] == "code", shown


async def test_two_devices_at_once(home: HomeAssistant, start_device: StartDevice) -> None:
    first, second = await start_device(), await start_device("door", 1)
    flows = [await until(lambda device=device: discovered_flow(home, device)) for device in (first, second)]  # type: ignore[misc]  # mypy cannot infer a lambda's default
    begun = [await home.config_entries.flow.async_configure(flow_id, {}) for flow_id in flows]
    for device, result in zip((first, second), begun, strict=True):
        shown = await until_step(home, result)
        assert device.told("code") == [(shown["description_placeholders"] or {})["code"]], shown
        done = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
        assert done["type"] == "create_entry"
    assert len(home.config_entries.async_entries(DOMAIN)) == 2


async def test_device_picked_from_the_list(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    shown = await listed(home)
    assert shown["step_id"] == "choose"
    begun = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": [device.program.address]})
    shown = await until_step(home, begun)
    done = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    assert done["type"] == "create_entry"
    assert home.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_nothing_to_pick(home: HomeAssistant) -> None:
    done = await listed(home)
    assert (done["type"], done["reason"]) == ("abort", "no_devices_found")


async def test_device_that_belongs_to_somebody_is_not_offered(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    await remove_untold(home, hass_storage, entry)
    await asyncio.sleep(0.5)
    assert discovered_flow(home, device) is None
    await device.program.reset()
    await until(lambda: discovered_flow(home, device))


async def test_nobody_is_contacted_before_the_user_says_so(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    await asyncio.sleep(0.5)
    assert device.told("connected") == []


async def test_link_that_is_cut_during_the_negotiation(
    home: HomeAssistant, start_device: StartDevice, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await start_device()
    core, cuts = device.program.core, list[int]()
    subscribed = core.subscribed

    def subscribed_and_cut(*arguments: Any) -> None:
        """Cut the second link, which RSP comes over: it is there for some milliseconds only, so nobody could wait for it."""
        subscribed(*arguments)
        if len(device.told("connected")) == 2 and not cuts:
            asyncio.get_running_loop().call_soon(lambda: cuts.append(world.devices[0].cut()))

    monkeypatch.setattr(core, "subscribed", subscribed_and_cut)
    flow_id = await until(lambda: discovered_flow(home, device))
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert shown["step_id"] == "code", shown
    assert cuts == [1]
    assert len(device.told("connected")) > 2


async def test_device_without_x25519_is_refused_unless_the_user_accepts_it(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device(suites=(0x01,))
    shown = await confirm(home, device)
    assert failed_with(shown) == "suite_below_floor"
    again = await home.config_entries.flow.async_configure(shown["flow_id"], {"security": {"method": "loss"}})
    done = await until_step(home, again)
    assert done["type"] == "create_entry", done
    assert done["result"].options == {"floor": 0x01}
    assert device.told("code") == []
    await until(lambda: state_of(home, "binary_sensor.test_thermometer_code_compared") == "off")


async def test_known_device_behind_another_beacon_keeps_its_key(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    await pair(home, device)
    stored = dict(hass_storage[f"{DOMAIN}.{device.identity}"]["data"])
    twin = await start_device("display", 1, identity=bytes.fromhex(device.identity), address="C0:00:00:00:00:99")
    attempt = PairingAttempt(home, twin.program.address, bytes(4), "twin", lambda: None)
    await until(lambda: radio.can_connect(home, twin.program.address))
    await attempt.start()
    with pytest.raises(AlreadyPairedError):
        await attempt.comparable()
    await attempt.stop()
    assert [pairing["number"] for pairing in hass_storage[f"{DOMAIN}.{device.identity}"]["data"]["pairings"]] == [
        pairing["number"] for pairing in stored["pairings"]
    ]


async def test_other_identity_than_the_beacon_said(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: radio.can_connect(home, device.program.address))
    attempt = PairingAttempt(home, device.program.address, b"\0\0\0\0", "device", lambda: None)
    await attempt.start()
    with pytest.raises(PairingError) as caught:
        await attempt.comparable()
    await attempt.stop()
    assert (caught.value.cause, caught.value.suspicious) == (Cause.WRONG_DEVICE, True)


async def test_device_that_is_heard_broadcasting_first_is_looked_at_again(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_flow, "LOOK_AGAIN_SECONDS", 0.1)
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    home.config_entries.flow.async_abort(flow_id)
    packet = RandomPacket(1, 2, bytes(20)).advertisement
    beacon = bluetooth.async_last_service_info(home, device.program.address)
    assert beacon is not None
    beacon.raw = packet
    done = await home.config_entries.flow.async_init(DOMAIN, context={"source": "bluetooth"}, data=beacon)
    assert (done["type"], done["reason"]) == ("abort", "not_supported")
    await until(lambda: discovered_flow(home, device))


async def test_scanner_that_merges_packets_still_tells_the_beacon(home: HomeAssistant, start_device: StartDevice) -> None:
    """ESPHome's older proxies hand on no raw packet."""
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    info = bluetooth.async_last_service_info(home, device.program.address)
    assert info is not None
    beacon = radio.read_advertisement(info)
    info.raw = None
    assert radio.read_advertisement(info) == beacon is not None


async def test_device_that_does_not_introduce_itself_keeps_its_name(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "INTRODUCTION_SECONDS", 0.0)
    device = await start_device()
    entry = await pair(home, device)
    assert entry.title == f"Self-Secure {device.short_id.upper()}"


@pytest.mark.parametrize(
    ("cause", "link", "reason"),
    [
        (Cause.TIMEOUT, None, "timeout"),
        (Cause.TIMEOUT, LinkErrorKind.REFUSED, "timeout"),
        (Cause.TIMEOUT, LinkErrorKind.NO_SLOT, "no_slot"),
        (Cause.BUSY, LinkErrorKind.NO_SLOT, "busy"),
    ],
)
def test_a_negotiation_that_got_no_slot_says_so(cause: Cause, link: LinkErrorKind | None, reason: str) -> None:
    assert PairingError(cause, False, link).reason == reason


async def test_scan_response_hides_no_device(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    info = bluetooth.async_last_service_info(home, device.program.address)
    assert info is not None
    beacon = radio.read_advertisement(info)
    info.raw = b"\x05\x09Test"
    assert radio.read_advertisement(info) is None
    assert radio.last_said(info) == beacon
    assert beacon is not None


@pytest.mark.parametrize("scanner_mode", ["active"])
async def test_name_of_a_device_cannot_look_like_a_code(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device(name="Hall\n\n# 123456")
    flow_id = await until(lambda: discovered_flow(home, device))
    assert home.config_entries.flow.async_get(flow_id)["context"]["title_placeholders"] == {"name": "Hall 123456"}

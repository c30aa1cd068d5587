"""The list of devices: what it shows, several picked at once, and why it may be empty."""

import asyncio
import re
from typing import Any

from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import BluetoothScanningMode
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownFlow
import pytest

from custom_components.self_secure import batch, config_flow, radio
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.far import FAR
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.pairing import PairingAttempt
from custom_components.self_secure.protocol import limits
from simulation.scanner import VirtualScanner

from .conftest import (
    SimulatedDevice,
    StartDevice,
    change_scanners,
    discovered_flow,
    failed_with,
    listed,
    pair,
    remove_untold,
    until,
    until_step,
)


@pytest.fixture(autouse=True)
def brief_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_flow, "SCAN_SECONDS", 0.5)


async def choose(hass: HomeAssistant, *devices: SimulatedDevice, **more: Any) -> ConfigFlowResult:
    """Pick these devices from the list and follow the flow to the first step that asks something."""
    for device in devices:
        await until(lambda address=device.program.address: radio.can_connect(hass, address))  # type: ignore[misc]  # mypy cannot infer a lambda's default
    shown = await listed(hass)
    addresses = [device.program.address for device in devices]
    return await until_step(hass, await hass.config_entries.flow.async_configure(shown["flow_id"], {"devices": addresses, **more}))


def unheard_name(device: SimulatedDevice) -> str:
    """Return what a device is called whose scan response nobody hears: passive scanners never do."""
    return f"Self-Secure {device.short_id.upper()}"


def named(devices: list[SimulatedDevice], shown: ConfigFlowResult) -> SimulatedDevice:
    """Return the device that a step is about."""
    return next(one for one in devices if unheard_name(one) == (shown["description_placeholders"] or {})["name"])


async def answer(hass: HomeAssistant, shown: ConfigFlowResult, devices: list[SimulatedDevice], verdict: str = "same") -> ConfigFlowResult:
    """Compare the code with what the device of that name shows, and go on to the next question."""
    placeholders = shown["description_placeholders"] or {}
    device = named(devices, shown)
    assert device.told("code")[-1] == placeholders["code"]
    return await until_step(hass, await hass.config_entries.flow.async_configure(shown["flow_id"], {"verdict": verdict}))


async def test_list_tells_signal_and_receiver(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    shown = await listed(home)
    assert shown["data_schema"] is not None
    options = shown["data_schema"].schema["devices"].config["options"]
    assert [one["value"] for one in options] == [device.program.address]
    assert unheard_name(device) in options[0]["label"]
    assert " dBm, scanner-" in options[0]["label"]
    assert shown["description_placeholders"] == {"taken": "-", "passive": "-", "far": "-"}


@pytest.mark.parametrize("scanner_mode", ["auto"])
async def test_the_scan_shows_progress(home: HomeAssistant) -> None:
    begun = await home.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert (begun["type"], begun["progress_action"]) == ("progress", "scanning")
    scanners = bluetooth.async_current_scanners(home)
    await until(lambda: {one.current_mode for one in scanners} == {BluetoothScanningMode.ACTIVE})
    await change_scanners(home, plugged=False)
    assert (await until_step(home, begun))["reason"] == "no_adapter"


@pytest.mark.parametrize("scanner_mode", ["passive", "auto"])
async def test_the_menu_leads_to_the_list(home: HomeAssistant, start_device: StartDevice) -> None:
    await pair(home, await start_device())
    other = await start_device("door", 1)
    await until(lambda: radio.can_connect(home, other.program.address))
    menu = await home.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert menu["type"] == "menu"
    shown = await until_step(home, await home.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "devices"}))
    assert (shown["type"], shown["step_id"]) == ("form", "choose")


async def test_list_before_anything_is_set_up(home: HomeAssistant, start_device: StartDevice) -> None:
    """Before the first pairing nobody has loaded what knows of relays."""
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    far, hub = home.data.pop(FAR), home.data.pop(HUB)
    shown = await listed(home)
    home.data[FAR], home.data[HUB] = far, hub
    assert (shown["step_id"], shown["description_placeholders"]) == ("choose", {"taken": "-", "passive": "-", "far": "-"})


async def test_three_devices_at_once(home: HomeAssistant, start_device: StartDevice) -> None:
    devices = [await start_device(), await start_device("door", 1), await start_device("display", 2)]
    shown = await choose(home, *devices)
    for _ in devices:
        assert shown["step_id"] == "code", shown
        shown = await answer(home, shown, devices)
    assert (shown["type"], shown["reason"]) == ("abort", "several_paired")
    told = shown["description_placeholders"] or {}
    assert (told["count"], told["unverified"], told["left_out"]) == ("3", "-", "-")
    assert sorted(told["devices"].split(", ")) == sorted(device.name for device in devices)
    entries = home.config_entries.async_entries(DOMAIN)
    assert {entry.unique_id for entry in entries} == {device.identity for device in devices}
    assert home.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_device_that_broadcasts_in_vain_while_a_code_waits_is_paired_after_that(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that it is not its turn, and tried again without the user."""
    monkeypatch.setattr(limits, "CONTACT_TIMEOUT", 6.0)
    await home.data[HUB].async_set_options({"n_max": 32})  # soon over
    devices = [await start_device(), await start_device("door", 1)]
    shown = await choose(home, *devices)
    second = next(one for one in devices if one is not named(devices, shown))
    await until(lambda: second.told("pairing_failed"))
    shown = await answer(home, shown, devices)
    assert named(devices, shown) is second, shown
    shown = await answer(home, shown, devices)
    assert (shown["type"], shown["reason"]) == ("abort", "several_paired")
    assert {entry.unique_id for entry in home.config_entries.async_entries(DOMAIN)} == {device.identity for device in devices}


async def test_one_of_two_is_tried_again_and_then_left_out(home: HomeAssistant, start_device: StartDevice) -> None:
    good, weak = await start_device(), await start_device("door", 1, suites=(0x01,))
    shown = await choose(home, good, weak)
    assert shown["step_id"] == "code", shown
    shown = await answer(home, shown, [good])
    assert failed_with(shown) == "suite_below_floor"
    assert [entry.unique_id for entry in home.config_entries.async_entries(DOMAIN)] == [good.identity]
    again = {"next": "again", "security": {"method": "hybrid"}}
    shown = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], again))
    assert failed_with(shown) == "suite_below_floor"
    done = await home.config_entries.flow.async_configure(shown["flow_id"], {"next": "leave_out"})
    assert (done["type"], done["reason"]) == ("abort", "several_paired")
    assert (done["description_placeholders"] or {}) == {
        "count": "1",
        "devices": good.name,
        "unverified": "-",
        "left_out": unheard_name(weak),
    }


async def test_nobody_of_two_is_paired(home: HomeAssistant, start_device: StartDevice) -> None:
    weak = [await start_device("thermometer", 0, suites=(0x01,)), await start_device("door", 1, suites=(0x01,))]
    shown = await choose(home, *weak)
    for _ in weak:
        assert failed_with(shown) == "suite_below_floor"
        shown = await home.config_entries.flow.async_configure(shown["flow_id"], {"next": "leave_out"})
    assert (shown["type"], shown["reason"]) == ("abort", "none_paired")


async def test_device_that_was_paired_meanwhile_is_left_out(home: HomeAssistant, start_device: StartDevice) -> None:
    first, second = await start_device(suites=(0x01,)), await start_device("door", 1, suites=(0x01,))
    await until(lambda: discovered_flow(home, first) and discovered_flow(home, second))
    shown = await listed(home)
    card = await until(lambda: discovered_flow(home, first))
    done = await until_step(home, await home.config_entries.flow.async_configure(card, {"security": {"method": "loss"}}))
    assert done["type"] == "create_entry"
    picked = {"devices": [first.program.address, second.program.address], "security": {"method": "loss"}}
    await first.program.reset()
    done = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], picked))
    assert (done["type"], done["reason"]) == ("abort", "several_paired")
    told = done["description_placeholders"] or {}
    assert told == {"count": "1", "devices": second.name, "unverified": second.name, "left_out": unheard_name(first)}


async def test_device_that_has_got_its_entry_while_the_list_was_open(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    shown = await listed(home)
    await pair(home, device)
    done = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": [device.program.address]}))
    assert (done["type"], done["reason"]) == ("abort", "already_configured")
    assert [entry.unique_id for entry in home.config_entries.async_entries(DOMAIN)] == [device.identity]


async def test_entry_is_made_once_when_two_ask_for_the_last_step(home: HomeAssistant, start_device: StartDevice) -> None:
    """Home Assistant itself and the frontend may do so in the same moment."""
    device = await start_device(suites=(0x01,))
    flows, flow_id = home.config_entries.flow, await until(lambda: discovered_flow(home, device))
    await flows.async_configure(flow_id, {"security": {"method": "loss"}})
    await until(lambda: flows.async_get(flow_id)["step_id"] == "finish")
    first, second = await asyncio.gather(*(flows.async_configure(flow_id) for _ in range(2)), return_exceptions=True)
    assert first["type"] == "create_entry"  # type: ignore[index]  # it is no error
    assert isinstance(second, UnknownFlow)
    assert [entry.unique_id for entry in home.config_entries.async_entries(DOMAIN)] == [device.identity]


async def test_defect_is_told_and_counts_as_not_paired(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_attempt: PairingAttempt) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(PairingAttempt, "name", broken)
    device = await start_device()
    shown = await choose(home, device)
    shown = await answer(home, shown, [device])
    assert failed_with(shown) == "unexpected"
    assert "a defect of ours" in caplog.text
    await until(lambda: not home.data[HUB].attempts)
    assert home.config_entries.async_entries(DOMAIN) == []


async def test_entry_that_another_dialog_has_made_is_not_counted(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(flow: config_flow.SelfSecureConfigFlow, _data: dict[str, Any]) -> ConfigFlowResult:
        return flow.async_abort(reason="already_configured")

    monkeypatch.setattr(config_flow.SelfSecureConfigFlow, "async_step_import", late)
    first, second = await start_device(suites=(0x01,)), await start_device("door", 1, suites=(0x01,))
    done = await choose(home, first, second, security={"method": "loss"})
    assert (done["type"], done["reason"]) == ("abort", "none_paired")
    assert home.data[HUB].handovers == {}


async def test_progress_of_several(home: HomeAssistant, start_device: StartDevice) -> None:
    devices = [await start_device(), await start_device("door", 1)]
    await until(lambda: all(discovered_flow(home, device) for device in devices))
    shown = await listed(home)
    addresses = [device.program.address for device in devices]
    begun = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": addresses})
    assert (begun["type"], begun["progress_action"]) == ("progress", "collecting_several")
    told = begun["description_placeholders"] or {}
    assert (told["count"], told["paired"]) == ("2", "0")
    assert f"| {unheard_name(devices[1])} |  |  |  |  |  |" in told["devices"]
    await until(lambda: any(device.program.core.broadcasting for device in devices))
    rows: list[str] = []
    while begun["type"] == "progress":
        await asyncio.sleep(0.1)
        rows += (begun["description_placeholders"] or {})["devices"].split("\n")
        begun = await home.config_entries.flow.async_configure(shown["flow_id"])
    counted = re.compile(r"\| Self-Secure \w{8} \| \d+ % \| \d+ / 16 \| \d+ % \| \d+ / 4 \| \d+ s \|")
    assert [row for row in rows if counted.fullmatch(row)]


async def test_only_so_many_broadcast_at_once(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "PARALLEL_MAX", 1)
    devices = [await start_device(profile, number, suites=(0x01,)) for number, profile in enumerate(("thermometer", "door", "display"))]
    at_once: set[int] = set()

    async def watch() -> None:
        while True:
            at_once.add(len(home.data[HUB].attempts))
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    done = await choose(home, *devices, security={"method": "loss"})
    watching.cancel()
    told = done["description_placeholders"] or {}
    assert (done["reason"], told["count"]) == ("several_paired", "3")
    assert at_once == {0, 1}


async def test_nothing_chosen(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    shown = await listed(home)
    again = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": []})
    assert (again["step_id"], again["errors"]) == ("choose", {"devices": "nothing_chosen"})


async def test_device_that_belongs_to_somebody_is_named(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REQUEST_TIMEOUT", 1.0)
    device = await start_device()
    entry = await pair(home, device)
    await remove_untold(home, hass_storage, entry)
    await until(lambda: radio.can_connect(home, device.program.address))
    shown = await listed(home)
    assert (shown["description_placeholders"] or {})["taken"] == unheard_name(device)
    monkeypatch.setattr(limits, "REQUEST_TIMEOUT", 1.0)
    failed = await choose(home, device)
    assert failed_with(failed) == "paired_meanwhile"


async def test_device_that_only_a_passive_proxy_hears(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    await change_scanners(home, connectable=False)
    remove = bluetooth.async_register_scanner(home, VirtualScanner("A0:5E:5C:00:01:03", "somewhere else"))
    done = await listed(home)
    assert (done["type"], done["reason"]) == ("abort", "only_passive")
    assert (done["description_placeholders"] or {})["devices"] == unheard_name(device)
    remove()


async def test_no_adapter(home: HomeAssistant) -> None:
    await change_scanners(home, plugged=False)
    done = await home.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert (done["type"], done["reason"]) == ("abort", "no_adapter")


async def test_adapter_that_is_gone_when_it_is_needed(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    await change_scanners(home, plugged=False)
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert failed_with(shown) == "no_adapter"
    await change_scanners(home, plugged=True)
    await until(lambda: radio.can_connect(home, device.program.address))
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert shown["step_id"] == "code", shown


async def test_closing_the_dialog_of_several_keeps_who_is_ready(home: HomeAssistant, start_device: StartDevice) -> None:
    devices = [await start_device(), await start_device("door", 1)]
    shown = await choose(home, *devices)
    first = named(devices, shown)
    second = next(one for one in devices if one is not first)
    await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    home.config_entries.flow.async_abort(shown["flow_id"])
    await until(lambda: not any(one.program.core.broadcasting for one in devices))
    await asyncio.sleep(0.5)
    assert [entry.unique_id for entry in home.config_entries.async_entries(DOMAIN)] == [first.identity]
    await until(lambda: discovered_flow(home, second))


async def test_beacon_of_an_unloaded_entry_starts_no_dialog(home: HomeAssistant, start_device: StartDevice) -> None:
    other, device = await pair(home, await start_device("door", 1)), await start_device()
    entry = await pair(home, device)
    assert other.unique_id != entry.unique_id
    assert await home.config_entries.async_unload(entry.entry_id)
    heard = bluetooth.async_last_service_info(home, device.program.address)
    done = await home.config_entries.flow.async_init(DOMAIN, context={"source": "bluetooth"}, data=heard)
    assert (done["type"], done["reason"]) == ("abort", "already_configured")


async def test_no_dialog_goes_on_without_a_device() -> None:
    flow = config_flow.SelfSecureConfigFlow()
    with pytest.raises(ValueError, match="nothing was discovered"):
        await flow.async_step_bluetooth_confirm({})
    with pytest.raises(ValueError, match="nothing was discovered"):
        await flow.async_step_relay_confirm({})
    with pytest.raises(ValueError, match="no device was chosen"):
        await flow.async_step_failed()

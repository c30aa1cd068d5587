"""The actions beyond one text to one device."""

import base64
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import probatio
import pytest

from custom_components.self_secure.const import DOMAIN

from .conftest import SimulatedDevice, StartDevice, device_id, pair, until


@pytest.fixture
async def display(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired display."""
    device = await start_device("display")
    await pair(home, device)
    return device


async def call(hass: HomeAssistant, action: str, **data: Any) -> dict[str, Any]:
    """Call an action for its response."""
    response = await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)
    return dict(response or {})


def coordinator_of(hass: HomeAssistant) -> Any:
    return hass.config_entries.async_entries(DOMAIN)[0].runtime_data


async def go_away(hass: HomeAssistant, device: SimulatedDevice) -> None:
    """Switch the device off while no link is open."""
    await until(lambda: not coordinator_of(hass).client.contact.is_open)
    await device.program.stop()


async def test_base64(home: HomeAssistant, display: SimulatedDevice) -> None:
    body = bytes(range(200))
    target = device_id(home, display)
    response = await call(home, "send_message", device_id=target, base64=base64.b64encode(body).decode())
    assert response[target]["delivered"] is True
    assert display.told("bytes") == [body]


@pytest.mark.parametrize("data", [{"base64": "A"}, {"base64": "AB==C"}, {"base64": "AA==", "data": "00"}, {"base64": "Grüße"}])
async def test_bad_base64(home: HomeAssistant, data: dict[str, Any]) -> None:
    with pytest.raises(probatio.Invalid):
        await call(home, "send_message", device_id="whatever", **data)


async def test_several_devices_have_results_of_their_own(home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice) -> None:
    other = await start_device("display", number=1, name="Other display")
    await pair(home, other)
    targets = [device_id(home, one) for one in (display, other)]
    response = await call(home, "send_message", device_id=targets, message="all")
    assert {target: response[target]["delivered"] for target in targets} == dict.fromkeys(targets, True)
    assert display.told("text") == other.told("text") == ["all"]


async def test_nothing_is_sent_when_one_device_is_none(home: HomeAssistant, display: SimulatedDevice) -> None:
    with pytest.raises(ServiceValidationError):
        await call(home, "send_message", device_id=[device_id(home, display), "none"], message="x")
    assert coordinator_of(home).connection.queued == 0


async def test_queued_message_outlives_a_restart_and_comes_once(
    home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice
) -> None:
    await go_away(home, display)
    await call(home, "send_message", device_id=device_id(home, display), message="later", timeout=1)
    before = coordinator_of(home)
    assert await home.config_entries.async_reload(before.config_entry.entry_id)
    assert coordinator_of(home) is not before
    assert coordinator_of(home).connection.queued == 1
    again = await start_device("display")
    await until(lambda: again.told("text"))
    await until(lambda: coordinator_of(home).connection.queued == 0)
    assert await home.config_entries.async_reload(before.config_entry.entry_id)
    await call(home, "send_message", device_id=device_id(home, again), message="last")
    assert again.told("text") == ["later", "last"]


async def test_rotate_keys(home: HomeAssistant, display: SimulatedDevice) -> None:
    target = device_id(home, display)
    epoch = coordinator_of(home).connection.epoch
    assert await call(home, "rotate_keys", device_id=target) == {target: {"changed": True, "epoch": epoch + 1, "error": None}}
    assert await call(home, "rotate_keys", device_id=[target]) == {target: {"changed": True, "epoch": epoch + 2, "error": None}}
    await call(home, "send_message", device_id=target, message="still there")
    assert display.told("text") == ["still there"]


async def test_rotate_keys_of_a_device_that_is_away(home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice) -> None:
    target = device_id(home, display)
    epoch = coordinator_of(home).connection.epoch
    await go_away(home, display)
    assert await call(home, "rotate_keys", device_id=target, timeout=1) == {target: {"changed": False, "epoch": None, "error": None}}
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call(DOMAIN, "rotate_keys", {"device_id": target, "timeout": 1}, blocking=True)
    assert caught.value.translation_key == "key_unchanged"
    await start_device("display")
    await until(lambda: (coordinator_of(home).connection.epoch or 0) > epoch)


async def test_link_quality(home: HomeAssistant, display: SimulatedDevice) -> None:
    target = device_id(home, display)
    quality = (await call(home, "get_link_quality", device_id=target))[target]
    assert quality["signal"] < 0
    assert (quality["suite"], quality["verified"], quality["assumed_loss"], quality["queued"]) == ("hybrid", True, 20, 0)
    assert 0 <= quality["loss_at_pairing"] <= 100
    assert quality["secrecy_bits"] >= 4
    assert quality["present"] is True

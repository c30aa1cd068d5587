"""Messages both ways, readings and buttons, over the radio."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import probatio
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.protocol.limits import BODY_MAX

from .conftest import SimulatedDevice, StartDevice, device_entry, device_id, pair, state_of, until


@pytest.fixture
async def display(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired display."""
    device = await start_device("display")
    await pair(home, device)
    return device


async def send(hass: HomeAssistant, **data: Any) -> dict[str, Any]:
    """Call the action for its response."""
    response = await hass.services.async_call(DOMAIN, "send_message", data, blocking=True, return_response=True)
    return dict(response or {})


async def test_text_is_delivered_with_a_response(home: HomeAssistant, display: SimulatedDevice) -> None:
    target = device_id(home, display)
    response = await send(home, device_id=target, message="Dinner is ready ✓")
    assert display.told("text") == ["Dinner is ready ✓"]
    assert response[target]["delivered"] is True
    assert response[target]["id"] > 0
    assert response[target]["attempts"] >= 1
    assert 0 < response[target]["seconds"] < 30
    assert "Dinner" not in str(response)


async def test_bytes_are_delivered(home: HomeAssistant, display: SimulatedDevice) -> None:
    target = device_id(home, display)
    response = await send(home, device_id=[target], data="01 ff")
    assert display.told("bytes") == [b"\x01\xff"]
    assert response[target]["delivered"] is True


async def test_longest_message_and_one_byte_more(home: HomeAssistant, display: SimulatedDevice) -> None:
    target = device_id(home, display)
    await send(home, device_id=target, message="x" * BODY_MAX)
    assert display.told("text") == ["x" * BODY_MAX]
    with pytest.raises(ServiceValidationError) as caught:
        await send(home, device_id=target, message="x" * (BODY_MAX + 1))
    assert caught.value.translation_key == "message_too_large"


async def test_messages_keep_their_order_over_an_epoch(home: HomeAssistant, display: SimulatedDevice) -> None:
    target = device_id(home, display)
    texts = [f"message {number}" for number in range(40)]
    for text in texts:
        await send(home, device_id=target, message=text)
    assert display.told("text") == texts
    await until(lambda: display.told("resumed"))


async def test_device_out_of_reach_gets_its_message_later(home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice) -> None:
    target = device_id(home, display)
    coordinator = home.config_entries.async_entries(DOMAIN)[0].runtime_data
    await until(lambda: not coordinator.client.contact.is_open)
    await display.program.stop()
    response = await send(home, device_id=target, message="later", timeout=1)
    assert response == {target: {"delivered": False, "id": None, "attempts": 0, "seconds": 0.0}}
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call(DOMAIN, "send_message", {"device_id": target, "message": "also", "timeout": 1}, blocking=True)
    assert caught.value.translation_key == "not_delivered"
    again = await start_device("display")
    await until(lambda: again.told("text") == ["later", "also"])


async def test_full_queue(home: HomeAssistant, display: SimulatedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator = home.config_entries.async_entries(DOMAIN)[0].runtime_data
    await until(lambda: not coordinator.client.contact.is_open)
    await display.program.stop()
    sending = [asyncio.create_task(send(home, device_id=device_id(home, display), message="x", timeout=1)) for _ in range(65)]
    done = await asyncio.gather(*sending, return_exceptions=True)
    refused = [one for one in done if isinstance(one, HomeAssistantError)]
    assert [one.translation_key for one in refused] == ["queue_full"]


@pytest.mark.parametrize(
    "data",
    [{}, {"message": "x", "data": "00"}, {"data": "0g"}, {"message": "x", "timeout": 0}, {"message": "x", "timeout": 601}],
)
async def test_bad_action_data(home: HomeAssistant, data: dict[str, Any]) -> None:
    with pytest.raises(probatio.Invalid):
        await send(home, device_id="whatever", **data)


async def test_device_that_is_not_ours(home: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError):
        await send(home, device_id="whatever", message="x")


async def test_text_from_the_device_is_an_event(home: HomeAssistant, display: SimulatedDevice, caplog: pytest.LogCaptureFixture) -> None:
    display.program.say("Grüße")
    state = await until(lambda: (found := home.states.get("event.test_display_message")) and found.attributes.get("text") and found)
    assert (state.attributes["event_type"], state.attributes["text"]) == ("text", "Grüße")
    records = [one for one in caplog.records if one.name.startswith("custom_components.self_secure")]
    assert not [one for one in records if "Grüße" in one.getMessage()]


async def test_bytes_from_the_device_are_an_event(home: HomeAssistant, display: SimulatedDevice) -> None:
    display.program.send(0x03, b"\x00\xff")
    state = await until(lambda: (found := home.states.get("event.test_display_message")) and found.attributes.get("data") and found)
    assert (state.attributes["event_type"], state.attributes["data"]) == ("bytes", "00ff")


async def test_text_that_is_none_is_shown_as_bytes(home: HomeAssistant, display: SimulatedDevice) -> None:
    display.program.send(0x02, b"\xff\xfe")
    state = await until(lambda: (found := home.states.get("event.test_display_message")) and found.attributes.get("data") and found)
    assert (state.attributes["event_type"], state.attributes["data"]) == ("bytes", "fffe")


async def test_door_and_button(home: HomeAssistant, start_device: StartDevice) -> None:
    door = await start_device("door")
    await pair(home, door)
    door.program.set_open(True)
    contact = await until(
        lambda: next(
            (
                one
                for one in home.states.async_all("binary_sensor")
                if one.state == "on" and one.attributes.get("device_class") in ("door", "opening", "window")
            ),
            None,
        )
    )
    door.program.set_open(False)
    await until(lambda: state_of(home, contact.entity_id) == "off")
    door.program.press()
    pressed = await until(lambda: home.states.get("event.test_door_button"))
    assert pressed.attributes["event_type"] == "press"
    first = pressed.state
    door.program.press()
    await until(lambda: state_of(home, "event.test_door_button") != first)


async def test_device_page_tells_what_the_device_is(home: HomeAssistant, display: SimulatedDevice) -> None:
    found = device_entry(home, display)
    assert (found.name, found.manufacturer) == ("Test display", "Self-Secure")
    assert found.model
    assert found.sw_version

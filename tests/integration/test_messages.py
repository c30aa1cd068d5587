"""Messages both ways, readings and buttons, over the radio."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import probatio
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.limits import BODY_MAX
from self_secure_device_linux.radio import Radio
from simulation.world import World

from .conftest import SimulatedDevice, StartDevice, device_entry, device_id, pair, security_events, state_of, until, until_step


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
    assert response == {
        target: {"delivered": False, "outcome": "queued", "error": None, "id": None, "attempts": 0, "seconds": 0.0},
    }
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call(DOMAIN, "send_message", {"device_id": target, "message": "also", "timeout": 1}, blocking=True)
    assert caught.value.translation_key == "not_delivered"
    again = await start_device("display")
    await until(lambda: again.told("text") == ["later", "also"])


async def test_full_queue_of_one_hides_nothing_of_another(home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice) -> None:
    other = await start_device("display", 1, name="Other display")
    await pair(home, other)
    full, free = device_id(home, display), device_id(home, other)
    coordinator: Any = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, display.identity).runtime_data  # type: ignore[union-attr]  # it is paired
    await until(lambda: not coordinator.client.contact.is_open)
    await display.program.stop()
    for _ in range(64):
        await coordinator.async_send(MessageType.TEXT, b"x")
    response = await send(home, device_id=[full, free], message="all")
    assert (response[full]["outcome"], response[free]["outcome"]) == ("queue_full", "delivered")
    assert "Test display" in response[full]["error"]
    assert other.told("text") == ["all"]
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call(DOMAIN, "send_message", {"device_id": [full, free], "message": "again"}, blocking=True)
    assert caught.value.translation_key == "queue_full"


async def test_message_that_is_under_way_when_the_device_is_paired_anew(
    home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice, world: World
) -> None:
    entry = home.config_entries.async_entries(DOMAIN)[0]
    target, coordinator = device_id(home, display), entry.runtime_data
    display.program.measure()
    await until(lambda: coordinator.client.contact.is_open)
    world.devices[0].vanish()  # which the hub notices a moment later
    told = security_events(home)
    lost = {"device_id": target, "message": "lost", "timeout": 60}
    sending = asyncio.create_task(home.services.async_call(DOMAIN, "send_message", lost, blocking=True))
    await until(lambda: coordinator.connection.statistics.sent)
    await display.program.stop()
    again = await start_device("display")
    await again.program.reset()
    entry.async_start_reauth(home)
    flow = await until(lambda: next(iter(entry.async_get_active_flows(home, {"reauth"})), None))
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow["flow_id"], {}))
    await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    with pytest.raises(HomeAssistantError) as caught:
        await sending
    assert caught.value.translation_key == "message_abandoned"
    assert "message_abandoned" in told
    assert again.told("text") == []


async def test_removal_of_the_device_wakes_who_waits(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = home.config_entries.async_entries(DOMAIN)[0]
    target, coordinator = device_id(home, display), entry.runtime_data
    await until(lambda: not coordinator.client.contact.is_open)
    await display.program.stop()
    calls = {"send_message": {"device_id": target, "message": "later"}, "rotate_keys": {"device_id": target}}
    waiting = [asyncio.create_task(home.services.async_call(DOMAIN, name, data, blocking=True)) for name, data in calls.items()]
    await until(lambda: coordinator.connection.queued)
    assert await home.config_entries.async_unload(entry.entry_id)
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [getattr(one, "translation_key", one) for one in ended] == ["message_interrupted", "not_ready"]


async def test_attempts_of_a_message_that_is_not_acknowledged(
    home: HomeAssistant, display: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_radio: Radio) -> None:
        """Say nothing, as a device whose program hangs."""

    entry = home.config_entries.async_entries(DOMAIN)[0]
    await home.data[HUB].async_set_options({"omega": 0})
    assert await home.config_entries.async_reload(entry.entry_id)
    await until(lambda: display.told("resumed"))
    monkeypatch.setattr(Radio, "_send", hang)
    response = await send(home, device_id=device_id(home, display), message="x", timeout=3)
    assert [(one["outcome"], one["attempts"]) for one in response.values()] == [("queued", 1)]


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


async def test_message_of_an_unknown_type_is_acknowledged_and_ignored(
    home: HomeAssistant, display: SimulatedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    """Stop and wait: the next one leaves when this one has its acknowledgement."""
    display.program.send(0x7F, b"of a later version")
    display.program.say("after")
    await until(lambda: (found := home.states.get("event.test_display_message")) and found.attributes.get("text") == "after")
    assert "later version" not in caplog.text


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

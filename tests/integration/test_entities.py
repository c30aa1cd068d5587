"""What the entities say about the pairing itself, and the buttons."""

from datetime import timedelta
from typing import Any

from homeassistant.components.bluetooth import async_last_service_info
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed  # type: ignore[import-untyped]  # the plugin tells no types

from custom_components.self_secure import button, security
from custom_components.self_secure.hub import HUB, async_load_hub
from custom_components.self_secure.protocol.events import StaleKeyHinted
from custom_components.self_secure.tallies import SAVE_SECONDS

from .conftest import SimulatedDevice, StartDevice, device_id, pair, security_events, state_of, until

NAME = "test_display"
SECURITY = f"event.{NAME}_security"


@pytest.fixture
async def display(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired display that has said what it can."""
    device = await start_device("display")
    await pair(home, device)
    await until(lambda: state_of(home, f"notify.{NAME}_display"))
    return device


def coordinator_of(hass: HomeAssistant) -> Any:
    return hass.config_entries.async_entries("self_secure")[0].runtime_data


def attribute(hass: HomeAssistant, entity_id: str, name: str) -> Any:
    state = hass.states.get(entity_id)
    return state.attributes.get(name) if state else None


async def enable_all(hass: HomeAssistant) -> None:
    """Enable every entity that is disabled by default."""
    registry, entry = er.async_get(hass), coordinator_of(hass).config_entry
    for one in er.async_entries_for_config_entry(registry, entry.entry_id):
        registry.async_update_entity(one.entity_id, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)


async def test_how_it_was_paired(home: HomeAssistant, display: SimulatedDevice) -> None:
    record = coordinator_of(home).connection.record
    assert state_of(home, f"sensor.{NAME}_method") == "hybrid"
    assert state_of(home, f"sensor.{NAME}_secrecy_from_lost_packets") == str(round(record.secrecy_bits, 1))
    assert attribute(home, f"sensor.{NAME}_secrecy_from_lost_packets", "assumed_loss") == record.assumed_loss == 20
    assert state_of(home, f"sensor.{NAME}_packet_loss_at_pairing") == str(round(100 * record.loss, 1))
    changed = dt_util.parse_datetime(str(state_of(home, f"sensor.{NAME}_last_key_change")), raise_on_error=True)
    assert abs((dt_util.utcnow() - changed).total_seconds()) < 60


async def test_noisy_ones_are_off_until_they_are_wanted(home: HomeAssistant, display: SimulatedDevice) -> None:
    noisy = [f"sensor.{NAME}_{one}" for one in ("epoch", "signal_strength", "messages_since_pairing", "retransmission_rate")]
    registry = er.async_get(home)
    assert [entry.disabled for one in noisy if (entry := registry.async_get(one))] == [True] * 4
    await enable_all(home)
    await until(lambda: display.told("resumed"))
    display.program.say("hello")
    await until(lambda: int(state_of(home, noisy[2]) or 0) >= 1)
    info = async_last_service_info(home, display.program.address, connectable=False)
    assert info
    await until(lambda: state_of(home, noisy[0]) == str(coordinator_of(home).connection.epoch))
    assert int(str(state_of(home, noisy[1]))) < 0


async def test_messages_are_counted_before_anybody_wants_to_know(
    home: HomeAssistant, hass_storage: dict[str, Any], display: SimulatedDevice
) -> None:
    counted = home.data[HUB].tallies.of(display.identity)
    display.program.say("hello")
    await until(lambda: home.data[HUB].tallies.of(display.identity) > counted)
    await enable_all(home)
    assert int(str(state_of(home, f"sensor.{NAME}_messages_since_pairing"))) > counted
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(seconds=SAVE_SECONDS + 1))
    await until(lambda: hass_storage.get("self_secure.tallies"))
    assert (await async_load_hub(home)).tallies.of(display.identity) > counted


async def test_time_of_the_key_survives_a_reload(home: HomeAssistant, display: SimulatedDevice) -> None:
    changed = state_of(home, f"sensor.{NAME}_last_key_change")
    await until(lambda: not coordinator_of(home).client.contact.is_open)
    await display.program.stop()
    await home.config_entries.async_reload(coordinator_of(home).config_entry.entry_id)
    assert state_of(home, f"sensor.{NAME}_last_key_change") == changed


async def test_retransmissions_are_counted(home: HomeAssistant, display: SimulatedDevice) -> None:
    await enable_all(home)
    await until(lambda: display.told("resumed"))
    target = {"device_id": device_id(home, display), "message": "x"}
    await home.services.async_call("self_secure", "send_message", target, blocking=True)
    rate = await until(lambda: state_of(home, f"sensor.{NAME}_retransmission_rate"))
    assert 0 <= float(rate) <= 100


async def test_button_changes_the_key(home: HomeAssistant, display: SimulatedDevice) -> None:
    epoch, told = coordinator_of(home).connection.epoch, security_events(home)
    await home.services.async_call("button", "press", {"entity_id": f"button.{NAME}_change_key"}, blocking=True)
    assert coordinator_of(home).connection.epoch == epoch + 1
    await until(lambda: told == [security.RESUMED])
    await until(lambda: attribute(home, SECURITY, "event_type") == security.RESUMED)
    assert attribute(home, SECURITY, "epoch") == epoch + 1


async def test_button_says_when_the_device_is_away(home: HomeAssistant, display: SimulatedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(button, "TIMEOUT_DEFAULT", 0.2)
    await until(lambda: not coordinator_of(home).client.contact.is_open)
    await display.program.stop()
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call("button", "press", {"entity_id": f"button.{NAME}_change_key"}, blocking=True)
    assert caught.value.translation_key == "key_unchanged"


async def test_stopped_device_takes_neither_key_nor_text(home: HomeAssistant, display: SimulatedDevice) -> None:
    await coordinator_of(home).async_stop()
    for domain, action, data in (
        ("button", "press", {"entity_id": f"button.{NAME}_change_key"}),
        ("notify", "send_message", {"entity_id": f"notify.{NAME}_display", "message": "x"}),
    ):
        with pytest.raises(HomeAssistantError) as caught:
            await home.services.async_call(domain, action, data, blocking=True)
        assert caught.value.translation_key == "not_ready"


async def test_identify_shows_the_name(home: HomeAssistant, display: SimulatedDevice) -> None:
    await home.services.async_call("button", "press", {"entity_id": f"button.{NAME}_identify"}, blocking=True)
    await until(lambda: display.told("text") == ["Test display"])


async def test_notification_is_shown_once(home: HomeAssistant, display: SimulatedDevice) -> None:
    data = {"entity_id": f"notify.{NAME}_display", "message": "Grüße"}
    await home.services.async_call("notify", "send_message", data, blocking=True)
    await until(lambda: display.told("text") == ["Grüße"])


async def test_device_without_display_has_no_text_entities(home: HomeAssistant, start_device: StartDevice) -> None:
    await pair(home, await start_device())
    await until(lambda: state_of(home, "sensor.test_thermometer_temperature"))
    assert not home.states.async_all("notify")
    assert [one.entity_id for one in home.states.async_all("button")] == ["button.test_thermometer_change_key"]


async def test_pairing_is_a_security_event(home: HomeAssistant, display: SimulatedDevice) -> None:
    assert attribute(home, SECURITY, "event_type") == security.KEY_CHANGED


async def test_device_that_asks_to_be_paired_again_is_heard(home: HomeAssistant, display: SimulatedDevice) -> None:
    await until(lambda: not coordinator_of(home).client.contact.is_open)
    display.program.pair()
    display.program.measure()  # the hub has a reason to connect
    await until(lambda: attribute(home, SECURITY, "event_type") == security.PAIRING_REQUESTED)


def test_unauthenticated_hint_is_no_security_event() -> None:
    assert security.security_event(StaleKeyHinted()) is None

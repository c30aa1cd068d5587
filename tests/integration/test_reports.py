"""System health, the logbook and diagnostics: what people may read, and no more."""

import json
from typing import Any

from homeassistant.components.logbook.const import DOMAIN as LOGBOOK
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info  # type: ignore[import-untyped]  # the plugin tells no types

from custom_components.self_secure.const import DOMAIN, EVENT_SECURITY
from custom_components.self_secure.diagnostics import async_get_config_entry_diagnostics
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.logbook import SENTENCES
from custom_components.self_secure.security import SECURITY_TYPES

from .conftest import StartDevice, device_id, pair, until

PLAINTEXT = "what nobody else should read"


def entry_of(hass: HomeAssistant) -> Any:
    return hass.config_entries.async_entries(DOMAIN)[0]


async def test_system_health_counts(home: HomeAssistant, start_device: StartDevice) -> None:
    await pair(home, await start_device(), verdict="not_shown")
    assert await async_setup_component(home, "system_health", {})
    await home.async_block_till_done()
    info = await get_system_health_info(home, DOMAIN)
    assert (info["devices"], info["present"], info["unverified"]) == (1, 1, 1)
    assert (info["receivers"], info["connectable_receivers"], info["connection_limit"]) == (2, 2, 6)
    assert info["method"] == "hybrid"


async def test_system_health_without_a_device(home: HomeAssistant) -> None:
    assert await async_setup_component(home, "system_health", {})
    await home.async_block_till_done()
    assert (await get_system_health_info(home, DOMAIN))["devices"] == 0


async def test_logbook_tells_who_and_what_happened(recorder_mock: Recorder, home: HomeAssistant, start_device: StartDevice) -> None:
    assert await async_setup_component(home, "logbook", {})
    await home.async_block_till_done()
    device = await start_device("display")
    await pair(home, device)
    fired: list[Event] = []
    home.bus.async_listen(EVENT_SECURITY, fired.append)
    await home.services.async_call(DOMAIN, "rotate_keys", {"device_id": device_id(home, device)}, blocking=True)
    await until(lambda: fired)
    domain, describe = home.data[LOGBOOK].external_events[EVENT_SECURITY]
    assert domain == DOMAIN
    assert fired[-1].data["device_id"] == device_id(home, device)
    assert describe(fired[-1]) == {"name": "Test display", "message": SENTENCES["resumed"]}


def test_every_security_event_has_a_sentence() -> None:
    assert set(SENTENCES) == set(SECURITY_TYPES)
    assert len(set(SENTENCES.values())) == len(SENTENCES)


async def test_diagnostics_hold_the_pairing_and_no_key_text_name_or_address(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device("display")
    await pair(home, device)
    device.program.say(PLAINTEXT)
    await until(lambda: (state := home.states.get("event.test_display_message")) and state.attributes.get("text"))
    home.config_entries.async_update_entry(entry_of(home), options={"poll_minutes": 5})
    found = await async_get_config_entry_diagnostics(home, entry_of(home))
    (pairing,) = found["pairings"]
    assert (pairing["number"], pairing["committed"], pairing["record"]["verified"]) == (1, True, True)
    assert pairing["epochs"]
    assert found["takes_text"] is True
    assert (found["state"], found["reason"], found["options"]) == ("loaded", None, {"poll_minutes": 5})
    assert found["options_of_all"] == dict(home.data[HUB].options)
    text = json.dumps(found)
    stored = hass_storage[f"{DOMAIN}.{device.identity}"]["data"]
    keys = [key for one in stored["pairings"] for key in one["keys"].values()]
    private = [*keys, PLAINTEXT, device.identity, device.program.address, "Test display"]
    assert keys
    assert [one for one in private if one.lower() in text.lower()] == []


async def test_diagnostics_of_an_entry_that_could_not_be_set_up(
    home: HomeAssistant, hass_storage: dict[str, Any], start_device: StartDevice
) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert await home.config_entries.async_unload(entry.entry_id)
    del hass_storage[f"{DOMAIN}.{device.identity}"]
    assert not await home.config_entries.async_setup(entry.entry_id)
    found = await async_get_config_entry_diagnostics(home, entry)
    assert (found["state"], found["reason"], found["options"]) == ("setup_error", "key_lost", {})
    assert "pairings" not in found
    home.data.pop(HUB)
    assert (await async_get_config_entry_diagnostics(home, entry))["options_of_all"] is None

"""Pair, read, message, change keys, restart, remove: afterwards no key and no seed is anywhere (protocol.md 7)."""

import base64
from collections.abc import Callable, Iterator
import logging
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.recorder import get_instance
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done  # type: ignore[import-untyped]  # the plugin tells no types
from sqlalchemy import MetaData, select

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.diagnostics import async_get_config_entry_diagnostics
from custom_components.self_secure.protocol import keys
from custom_components.self_secure.system_health import async_info
from self_secure_device_linux.program import Program

from .conftest import StartDevice, device_id, pair, state_of, until

PLUGINS_DISK = "pytest_homeassistant_custom_component.common"  # stands for the disk, and logs what it writes
KEY_SIZE = 32  # of a key and of a seed; nonces, which the air may know, are shorter


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> set[bytes]:
    """Every key of the hub and every 32 random bytes of the device, as they come into being."""
    found: set[bytes] = set()
    new_key, new_dh, entropy = keys.Key.__init__, keys.DhKey.__init__, Program.urandom

    def key(self: keys.Key, raw: bytes) -> None:
        found.add(raw)
        new_key(self, raw)

    def dh(self: keys.DhKey, private: bytes) -> None:
        found.add(private)
        new_dh(self, private)

    def urandom(self: Program, count: int) -> bytes:
        value: bytes = entropy(self, count)
        found.update({value} if count == KEY_SIZE else ())
        return value

    monkeypatch.setattr(keys.Key, "__init__", key)
    monkeypatch.setattr(keys.DhKey, "__init__", dh)
    monkeypatch.setattr(Program, "urandom", urandom)
    return found


def spellings(secret: bytes) -> Iterator[str]:
    """Return how a key may look in a text."""
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")
    yield repr(secret)[2:-1]
    yield repr(list(secret))[1:-1]


def leaked(secrets: set[bytes], haystack: str) -> list[str]:
    """Return the spellings that the text holds."""
    folded = haystack.lower()
    return [spelling for secret in secrets for spelling in spellings(secret) if spelling.lower() in folded]


def recorded(instance: Recorder) -> str:
    """Return every row of every table of the recorder's database."""
    metadata = MetaData()
    with instance.get_session() as session:
        metadata.reflect(session.connection())
        return repr([(table.name, session.execute(select(table)).all()) for table in metadata.sorted_tables])


async def everything(hass: HomeAssistant, events: list[Any], log: str) -> str:
    """Return all that Home Assistant shows, tells or keeps, but for the files of the integration."""
    await async_wait_recording_done(hass)
    database = await hass.async_add_executor_job(recorded, get_instance(hass))
    entries = [entry.as_dict() for entry in hass.config_entries.async_entries()]
    loaded = hass.config_entries.async_loaded_entries(DOMAIN)
    diagnostics = [await async_get_config_entry_diagnostics(hass, entry) for entry in loaded]
    health = await async_info(hass)
    return "\n".join([log, database, *map(repr, (entries, diagnostics, health, events, hass.states.async_all()))])


async def live(hass: HomeAssistant, start_device: StartDevice) -> None:
    """Pair a display, talk both ways, change the key, and begin anew from the disk."""
    device = await start_device("display")
    entry = await pair(hass, device)
    target = {"device_id": device_id(hass, device)}
    call: Callable[..., Any] = hass.services.async_call
    await call(DOMAIN, "send_message", {**target, "message": "to the device"}, blocking=True)
    device.program.say("from the device")
    await until(lambda: (state := hass.states.get("event.test_display_message")) and state.attributes.get("text"))
    await call(DOMAIN, "rotate_keys", target, blocking=True)
    await call(DOMAIN, "get_link_quality", target, blocking=True, return_response=True)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: device.told("resumed"))
    await call(DOMAIN, "send_message", {**target, "data": "00ff"}, blocking=True)
    await until(lambda: state_of(hass, "sensor.test_display_battery"))


async def test_no_key_and_no_seed_is_anywhere(
    recorder_mock: Recorder,
    home: HomeAssistant,
    hass_storage: dict[str, Any],
    start_device: StartDevice,
    secrets: set[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, PLUGINS_DISK)
    events: list[Any] = []
    home.bus.async_listen(MATCH_ALL, callback(lambda event: events.append(event.as_dict())))
    await live(home, start_device)
    ours = {key: value for key, value in hass_storage.items() if key.startswith(f"{DOMAIN}.") and key != f"{DOMAIN}.hub"}
    others = {key: value for key, value in hass_storage.items() if key not in ours}
    before = await everything(home, events, caplog.text)
    assert len(secrets) > 10
    assert leaked(secrets, repr(ours))  # the search finds what is there
    assert "to the device" in before
    assert leaked(secrets, before + repr(others)) == []
    await home.config_entries.async_remove(home.config_entries.async_entries(DOMAIN)[0].entry_id)
    after = await everything(home, events, caplog.text)
    assert leaked(secrets, after + repr(hass_storage)) == []

"""Pair, read, message, tell a group, change keys, restart, remove: afterwards no key and no seed is anywhere (protocol.md 7)."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
from custom_components.self_secure.protocol import group, keys
from custom_components.self_secure.system_health import async_info
from self_secure_device_linux.program import Program

from .conftest import StartDevice, device_id, pair, state_of, until
from .test_groups import make, tell

PLUGINS_DISK = "pytest_homeassistant_custom_component.common"  # stands for the disk, and logs what it writes
KEY_SIZE = 32  # of a key and of a seed; nonces, which the air may know, are shorter


@dataclass(slots=True)
class Secrets:
    """Every key as it comes into being."""

    stored: set[bytes] = field(default_factory=set)  # of the one kind that the files of the integration may hold
    memory: set[bytes] = field(default_factory=set)  # all others of the hub, and every 32 random bytes of the device
    group: set[bytes] = field(default_factory=set)  # those of them that a group shares

    @property
    def all(self) -> set[bytes]:
        return self.stored | self.memory


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """Listen where keys are made: those with a type of their own, what single messages are sealed with, and the device's seeds."""
    found = Secrets()
    new_key, new_dh, entropy = keys.Key.__init__, keys.DhKey.__init__, Program.urandom
    of_message, of_group_message = keys.ChainKey.expand, keys.expand

    def key(self: keys.Key, raw: bytes) -> None:
        (found.stored if isinstance(self, keys.StoreKey) else found.memory).add(raw)
        found.group.update({raw} if isinstance(self, group.GroupChainKey) else ())
        new_key(self, raw)

    def dh(self: keys.DhKey, private: bytes) -> None:
        found.memory.add(private)
        new_dh(self, private)

    def urandom(self: Program, count: int) -> bytes:
        value: bytes = entropy(self, count)
        found.memory.update({value} if count == KEY_SIZE else ())
        return value

    def message_key(self: keys.ChainKey, info: bytes) -> bytes:
        made = of_message(self, info)
        found.memory.add(made)
        return made

    def group_message_key(chain: bytes, info: bytes) -> bytes:
        made = of_group_message(chain, info)
        found.memory.add(made)
        found.group.add(made)
        return made

    monkeypatch.setattr(keys.Key, "__init__", key)
    monkeypatch.setattr(keys.DhKey, "__init__", dh)
    monkeypatch.setattr(keys.ChainKey, "expand", message_key)
    monkeypatch.setattr(group, "expand", group_message_key)  # its name there
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
    """Pair two displays, talk both ways, tell both as a group, change a key, and begin anew from the disk."""
    device, other = await start_device("display"), await start_device("display", 1, name="Other")
    entry = await pair(hass, device)
    await pair(hass, other)
    displays = await make(hass, device, other)
    assert [report["delivered"] for report in (await tell(hass, displays, "to both")).values()] == [True, True]
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
    secrets: Secrets,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, PLUGINS_DISK)
    caplog.set_level(logging.DEBUG)  # after it: the last level is that of what is caught
    events: list[Any] = []
    home.bus.async_listen(MATCH_ALL, callback(lambda event: events.append(event.as_dict())))
    await live(home, start_device)
    ours = {key: value for key, value in hass_storage.items() if key.startswith(f"{DOMAIN}.") and key != f"{DOMAIN}.hub"}
    others = {key: value for key, value in hass_storage.items() if key not in ours}
    before = await everything(home, events, caplog.text)
    assert "custom_components.self_secure.coordinator" in {one.name for one in caplog.records if one.levelno == logging.DEBUG}
    assert len(secrets.memory) > 30
    assert len(secrets.group) >= 4  # GCK_0, GCK_1, and what the one message was sealed and authenticated with
    assert leaked(secrets.stored, repr(ours))  # the search finds what is there
    assert leaked(secrets.memory, repr(ours)) == []  # not even in the integration's own files
    assert [text for text in ("to the device", "to both", "from the device") if text not in before] == []
    assert leaked(secrets.all, before + repr(others)) == []
    for entry in home.config_entries.async_entries(DOMAIN):
        await home.config_entries.async_remove(entry.entry_id)
    after = await everything(home, events, caplog.text)
    assert leaked(secrets.all, after + repr(hass_storage)) == []
    assert [key for key in hass_storage if key.startswith(f"{DOMAIN}.")] == [f"{DOMAIN}.hub"]

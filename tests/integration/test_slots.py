"""Too few connections: what the dialog says, and that it goes on when one is free."""

import asyncio

from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import hub
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.protocol import limits
from custom_components.self_secure.transport import slots
from simulation.host import SLOTS
from simulation.scanner import VirtualScanner

from .conftest import StartDevice, change_scanners, confirm, failed_with, until_step


async def test_all_own_connections_are_in_use(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "PATIENCE", 0.2)
    monkeypatch.setattr(limits, "CONTACT_TIMEOUT", 1.0)
    shared = home.data[HUB].slots
    for _ in range(shared.capacity):
        await shared.acquire()
    shown = await confirm(home, await start_device())
    assert failed_with(shown) == "no_slot"
    shared.release()
    shown = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {}))
    assert shown["step_id"] == "code", shown


async def test_all_connections_of_the_receivers_are_in_use(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bleak_retry_connector.BLEAK_OUT_OF_SLOTS_BACKOFF_TIME", 0.1)
    monkeypatch.setattr(limits, "CONTACT_TIMEOUT", 2.0)
    await change_scanners(home, occupied=SLOTS)
    assert failed_with(await confirm(home, await start_device())) == "no_slot"


async def test_new_receiver_brings_connections(home: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SLOTS_PER_RECEIVER", 1)
    shared = home.data[HUB].slots
    for _ in range(shared.capacity):
        await shared.acquire()
    waiting = asyncio.create_task(shared.acquire())
    await asyncio.sleep(0)
    remove = bluetooth.async_register_scanner(home, VirtualScanner("A0:5E:5C:00:01:03", "scanner-3"))
    await asyncio.wait_for(waiting, 1)
    remove()

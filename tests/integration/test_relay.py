"""Devices out of Home Assistant's reach, carried for by relays that are real programs on the virtual radio."""

from collections.abc import AsyncIterator

from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import reach
from custom_components.self_secure.transport import paths
from simulation.world import World

from .conftest import StartDevice, pair
from .neighbourhood import FAR, HALFWAY, carry, house, relay_of, say, until_adopted

TEMPERATURE = "sensor.test_thermometer_temperature"


@pytest.fixture
async def world(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One scanner, and devices beside it."""
    monkeypatch.setattr(paths, "PARK_SECONDS", 0.3)
    monkeypatch.setattr(reach, "NEAR_SECONDS", 1.0)
    monkeypatch.setattr(reach, "PATIENCE", 2.0)
    async with house() as opened:
        yield opened


async def test_paired_device_that_walks_away_is_carried(home: HomeAssistant, world: World, start_device: StartDevice) -> None:
    relay = await start_device("door", 1, relay=True, name="Relay")
    await pair(home, relay)
    carry(world, relay, HALFWAY)
    device = await start_device("display", 0, name="Far")
    await pair(home, device)
    await until_adopted(home, device)
    assert relay_of(home, device) is None
    carry(world, device, FAR)
    await say(home, device, "where are you?")
    assert relay_of(home, device) == "Relay"

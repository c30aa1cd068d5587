"""Devices out of Home Assistant's reach, carried for by relays that are real programs on the virtual radio."""

from collections.abc import AsyncIterator

from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import reach
from custom_components.self_secure.transport import paths
from simulation.world import World

from .conftest import StartDevice, pair, state_of, until
from .neighbourhood import FAR, HALFWAY, carry, house, pair_far, relay_of, say, until_adopted

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


async def test_device_is_paired_through_a_relay(home: HomeAssistant, world: World, start_device: StartDevice) -> None:
    relay = await start_device("door", 1, relay=True, name="Relay")
    await pair(home, relay)
    carry(world, relay, HALFWAY)
    world.move("device-0", FAR)
    device = await start_device("thermometer", 0, name="Far")
    entry = await pair_far(home, device)
    assert entry.data["address"] == ""
    assert entry.title == "Far"
    record = entry.runtime_data.connection.record
    assert (record.suite, record.verified, record.relayed) == (0x11, True, True)
    await until(lambda: state_of(home, "sensor.far_temperature"))
    assert relay_of(home, device) == "Relay"

"""A house with one scanner, a relay, and a device that only the relay hears."""

from collections.abc import AsyncIterator

from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import far as far_module
from custom_components.self_secure.transport import contact
from simulation.world import World
from tests.integration.conftest import SimulatedDevice, StartDevice, pair

from .neighbourhood import FAR, HALFWAY, carry, house, hurry, pair_far


@pytest.fixture
async def world(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One scanner, and devices beside it."""
    hurry(monkeypatch)
    monkeypatch.setattr(far_module, "AGAIN_SECONDS", 0.1)
    async with house() as opened:
        yield opened


@pytest.fixture
async def home(home: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> HomeAssistant:
    """Home Assistant that stays connected until a device with several peers has heard who is there."""
    monkeypatch.setattr(contact, "LINGER_SECONDS", 0.8)
    return home


@pytest.fixture
async def relay(home: HomeAssistant, world: World, start_device: StartDevice) -> SimulatedDevice:
    """A paired relay, halfway to those that are far."""
    device = await start_device("door", 1, relay=True, name="Relay")
    await pair(home, device)
    carry(world, device, HALFWAY)
    return device


@pytest.fixture
async def stranger(world: World, start_device: StartDevice, relay: SimulatedDevice) -> SimulatedDevice:
    """A display that only the relay hears, and that is not paired."""
    world.move("device-0", FAR)
    return await start_device("display", 0, name="Far")


@pytest.fixture
async def far(home: HomeAssistant, stranger: SimulatedDevice) -> SimulatedDevice:
    """The same, paired through the relay."""
    await pair_far(home, stranger)
    return stranger

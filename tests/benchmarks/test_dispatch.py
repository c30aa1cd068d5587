"""One packet on the air is one input of one device, however many are listened to."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from homeassistant.core import HomeAssistant
import pytest

from benchmarks import air, broadcast
from benchmarks.counts import calls_of
from custom_components.self_secure import radio

ADDRESSES = [f"AA:BB:CC:00:{number >> 8:02X}:{number & 0xFF:02X}" for number in range(500)]


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[air.Scanner]:
    """A scanner of a Home Assistant whose clients, one per address, are all in a negotiation."""
    hass = HomeAssistant(str(tmp_path))
    scanner = await air.home_assistant(hass)
    opened = broadcast.opened()
    for address in ADDRESSES:
        client = await broadcast.client_of(opened, broadcast.nothing)
        radio.async_listen(hass, address, client, broadcast.no_beacon)
    yield scanner
    await hass.async_stop(force=True)


async def test_a_packet_is_decoded_and_handed_on_once(listening: air.Scanner) -> None:
    packets = broadcast.packets(broadcast.opened(), 3)
    for packet in packets:
        calls = calls_of(partial(listening.hear, ADDRESSES[7], packet))
        assert calls["read_advertisement"] == 1
        assert calls["Client.random_packet"] == 1


async def test_listeners_of_other_devices_cost_nothing(listening: air.Scanner) -> None:
    first, second = broadcast.packets(broadcast.opened(), 2)
    listening.hear("00:11:22:33:44:55", first)
    calls = calls_of(lambda: listening.hear("00:11:22:33:44:55", second))
    assert calls["read_advertisement"] == 0


async def test_a_packet_brings_one_change_of_the_set() -> None:
    couple = broadcast.opened()
    before = len(couple.events)
    calls = calls_of(couple.air)
    assert calls["Connection.random_packet"] == len(couple.events) - before <= 1

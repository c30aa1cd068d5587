"""One packet on the air is one input of one device, however many are listened to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from benchmarks import air, broadcast
from benchmarks.counts import calls_of
from custom_components.self_secure import radio
from custom_components.self_secure.protocol.limits import PROGRESS_SECONDS
from custom_components.self_secure.transport.beacon import Beacon, BeaconState, RandomPacket, decode_advertisement
from custom_components.self_secure.transport.client import Client

ROOM = 1.1  # as in test_structure.py
CALLS_PER_PACKET = 37  # of what is ours behind Home Assistant's dispatch
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


async def test_devices_that_start_look_at_what_was_heard_once(tmp_path: Path) -> None:
    hass = HomeAssistant(str(tmp_path))
    scanner = await air.home_assistant(hass)
    short_ids = [number.to_bytes(4) for number in range(50)]
    for address, short_id in zip(ADDRESSES, short_ids, strict=False):
        scanner.hear(address, Beacon(BeaconState.PAIRED, relay=False, short_id=short_id).advertisement)
    found: list[str] = []

    def start_all() -> None:
        for short_id in short_ids:
            found.extend(radio.heard_addresses(hass, short_id, radio.START_AGE))

    calls = calls_of(start_all)
    assert found == ADDRESSES[:50]
    assert calls["read_advertisement"] == 50
    await hass.async_stop(force=True)


@pytest.fixture
async def collecting() -> AsyncIterator[Client]:
    """A client that has begun to collect and waits for the next packet."""
    client = await broadcast.client_of(broadcast.opened(), broadcast.nothing)
    client.start()
    await asyncio.sleep(0)
    yield client
    await client.stop()


def hear(client: Client, raw: bytes) -> Counter[str]:
    packet = decode_advertisement(raw)
    assert isinstance(packet, RandomPacket)
    return calls_of(partial(client.random_packet, "scanner", packet.sid, packet.seq, packet.value))


async def test_a_packet_is_taken_at_once_and_wakes_nobody(collecting: Client) -> None:
    first, *others = broadcast.packets(broadcast.opened(), 100)
    hear(collecting, first)  # which tells the progress
    await asyncio.sleep(0)
    for raw in others:
        calls = hear(collecting, raw)
        assert calls["Connection.random_packet"] == calls["RunningSet.add"] == 1
        assert {name for name in calls if "call_soon" in name or "call_at" in name or "Task" in name} == set()
        assert calls.total() <= CALLS_PER_PACKET * ROOM


async def test_inputs_of_a_device_share_a_timer(collecting: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each changes what is waited for, and none of them sets a timer of its own: the earliest one stays."""
    loop, timers = asyncio.get_running_loop(), list[float]()
    call_at = loop.call_at

    def counting(when: float, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *arguments, **options)

    monkeypatch.setattr(loop, "call_at", counting)
    for number in range(100):
        collecting.beacon_seen(number)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert len(collecting._inbox) == len(timers) == 0


async def test_packets_are_told_of_at_their_pace_not_one_by_one() -> None:
    couple = broadcast.opened()
    begun, before = couple.now, len(couple.events)
    for _ in range(300):
        couple.air()
    assert len(couple.events) - before <= (couple.now - begun) / PROGRESS_SECONDS + 1

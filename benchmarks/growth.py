"""How cost grows with the number of devices, the size of a message and the size of a set; nothing may be worse than linear."""

import argparse
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
import gc
from pathlib import Path
import secrets
import tempfile
from typing import Any, Final

from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant

from custom_components.self_secure import radio
from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.limits import N_MAX_LIMIT
from custom_components.self_secure.protocol.refusal import Refusals
from custom_components.self_secure.protocol.terms import HumanCheckSlot
from custom_components.self_secure.transport.beacon import Beacon, BeaconState

from . import air, report, series
from .chains import HubChains
from .counts import held_bytes
from .couple import Couple, paired_hubs, replay_hub
from .harness import Bench
from .readings import objects
from .series import CONSTANT, LINEAR, Series, processor_us

DEVICES: Final = (1, 10, 100, 1000, 10_000)
LIVE_MOST: Final = 1000  # with chains: each pairing takes some 2 ms
SIZES: Final = (16, 32, 64, 128, 256, 512)
SETS: Final = (64, 128, 256, 512, 1024, 2048)
BYTES_MOST: Final = 8000.0  # of memory, per device
_MESSAGES: Final = 50  # per trial
_FEW: Final = 3  # trials of what takes seconds
_HUB: Final = b"hub of the bench"
_PACKETS: Final = 200  # advertisements per trial


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench growth", description=__doc__)
    parser.add_argument("--most", type=int, default=max(DEVICES), help="devices")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    found = measure(given.most)
    print(series.text(found))
    if given.json:
        report.write({"machine": report.machine(), "series": [one.as_json() for one in found]}, given.json)
    return 0


def measure(most: int = max(DEVICES)) -> list[Series]:
    """Return all series, of up to `most` devices."""
    return [*_of_devices([n for n in DEVICES if n <= most]), *_of_sizes(), *_of_sets()]


# --- devices


def _of_devices(numbers: list[int]) -> list[Series]:
    couple = Couple().pair()

    def start(n: int) -> list[Connection]:
        return _connections(couple.snapshot, n)

    few = [n for n in numbers if n <= LIVE_MOST]
    return [
        Series("memory of a device, as started", "bytes", LINEAR, {n: held_bytes(partial(start, n)) for n in numbers}, BYTES_MOST),
        Series("memory of a device, with chains", "bytes", LINEAR, {n: held_bytes(partial(paired_hubs, n)) for n in few}, BYTES_MOST),
        Series("start from the snapshot, collector off", "µs", LINEAR, _starts(start, numbers, collector=False)),
        Series("start from the snapshot, collector on", "µs", None, _starts(start, numbers, collector=True)),
        Series("timers: ask all, call all", "µs", LINEAR, {n: processor_us(_tick, partial(start, n), trials=_FEW) for n in numbers}),
        Series("n devices that start look where they were heard", "µs", LINEAR, _awaited(_look_back, numbers)),
        Series("one advertisement among n listeners", "µs", CONSTANT, _awaited(_lookup, numbers)),
    ]


def _starts(start: Callable[[int], object], numbers: list[int], *, collector: bool) -> dict[int, float]:
    """Return µs of starting n; Python's collector looks through all of a large heap now and then, which is no work of ours."""
    if not collector:
        gc.disable()
    try:
        return {n: processor_us(start, partial(int, n), trials=_FEW) for n in numbers}
    finally:
        gc.enable()


def _connections(snapshot: Mapping[str, Any], n: int) -> list[Connection]:
    """Return `n` devices of one hub, as the integration starts them."""
    slot, refusals = HumanCheckSlot(), Refusals()
    return [Connection(Settings(hub_id=_HUB, human_check=slot, refusals=refusals), secrets.token_bytes, snapshot) for _ in range(n)]


def _tick(connections: list[Connection]) -> None:
    for connection in connections:
        deadline = connection.next_deadline
        connection.timer(0.0 if deadline is None else deadline - 1)


def _awaited(measured: Callable[[int], Awaitable[float]], numbers: list[int]) -> dict[int, float]:
    bench = Bench(rounds=7, block_ms=1)
    try:
        return {n: bench.await_(measured(n)) for n in numbers}
    finally:
        bench.close()


def _addresses(n: int) -> list[str]:
    return [f"AA:BB:{number >> 16 & 0xFF:02X}:{number >> 8 & 0xFF:02X}:{number & 0xFF:02X}:00" for number in range(n)]


async def _look_back(n: int) -> float:
    """Return µs in which `n` devices, all of which are heard, find where (a start of Home Assistant)."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        hass = HomeAssistant(folder)
        scanner = await air.home_assistant(hass)
        short_ids = [number.to_bytes(4) for number in range(n)]
        for address, short_id in zip(_addresses(n), short_ids, strict=True):
            scanner.hear(address, Beacon(BeaconState.PAIRED, relay=False, short_id=short_id).advertisement)

        def look(_state: object) -> None:
            radio.heard_addresses(hass, short_ids[0])  # which also forgets the trial before
            for short_id in short_ids:
                radio.heard_addresses(hass, short_id, radio.START_AGE)

        return processor_us(look, trials=_FEW)


async def _lookup(n: int) -> float:
    """Return µs of one advertisement of one of `n` devices that are listened to."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        hass = HomeAssistant(folder)
        scanner = await air.home_assistant(hass)
        addresses = _addresses(n)
        for address in addresses:
            bluetooth.async_register_advertisement_callback(hass, _heard, address)
        payloads = [b"\x02\x01\x06\x03\xff\x34\x12" + number.to_bytes(2) for number in range(_PACKETS)]

        def hear(_state: object) -> None:
            for payload in payloads:
                scanner.hear(addresses[-1], payload)

        hear(None)
        return processor_us(hear) / _PACKETS


def _heard(_info: object) -> None:
    """Listen, and do nothing."""


# --- messages and sets


def _of_sizes() -> list[Series]:
    def talk(chains: HubChains) -> None:
        for _ in range(_MESSAGES):
            chains.down()

    points = {size: processor_us(talk, partial(HubChains, objects(size))) / _MESSAGES for size in SIZES}
    return [Series("round trip of a message of n bytes", "µs", LINEAR, points)]


def _of_sets() -> list[Series]:
    whole = {n: _negotiation(n) for n in SETS}
    coded = {n: processor_us(sets.encode, partial(_two_thirds, n)) for n in SETS}
    return [
        Series("negotiation over a set of n packets, hub", "µs", LINEAR, whole),
        Series("coding a set of n packets", "µs", LINEAR, coded),
    ]


def _two_thirds(n: int) -> list[int]:
    return [3 * number // 2 for number in range(n)]


def _negotiation(n: int) -> float:
    """Return µs of the hub's side, from REQ to OPEN, over a set of `n` packets."""
    played = Couple(packets=n, loss=0.2 if n < N_MAX_LIMIT else 0.0)  # a broadcast ends at 2,048
    played.negotiate()
    return processor_us(lambda hub: replay_hub(hub, played.hub_tape), played.new_hub)

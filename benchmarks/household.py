"""One Home Assistant with many paired devices, in this process; prints what its start cost as one line of JSON."""

import asyncio
import hashlib
import json
import logging
from pathlib import Path
import resource
import sys
import time
from typing import Any, Final, override

from homeassistant import block_async_io, bootstrap, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.components import bluetooth
from homeassistant.config_entries import ConfigEntries, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.protocol.events import MessageReceived, MessageType, PairingRecord
from custom_components.self_secure.protocol.keys import StoreKey
from custom_components.self_secure.protocol.snapshot import DeviceState, Pairing, encode
from custom_components.self_secure.transport.beacon import SHORT_ID_SIZE, Beacon, BeaconState

from . import air

ROOT: Final = Path(__file__).parents[1]
HUB_ID: Final = "0123456789abcdef0123456789abcdef"
BORN: Final = "2026-10-01T00:00:00+00:00"
ROUNDS: Final = 20  # of readings per device
READING: Final = bytes.fromhex("0164" + "02ca09" + "03bf13")  # battery, temperature, humidity
TICK: Final = 0.005  # s between two looks at the loop


def _identity(number: int) -> bytes:
    return hashlib.sha256(b"identity %d" % number).digest()[:16]


def _snapshot(number: int) -> dict[str, Any]:
    record = PairingRecord(suite=0x11, verified=True, packets=205, loss=0.2, secrecy_bits=66.0, assumed_loss=20, conflicts=0, scanners=2)
    key = StoreKey(hashlib.sha256(b"key %d" % number).digest())
    return encode(DeviceState(_identity(number), [Pairing(1, record, committed=True, keys={0: key})]))


def _address(number: int) -> str:
    return ":".join(f"{byte:02X}" for byte in (0xC0, *number.to_bytes(5)))


def _entry(number: int) -> dict[str, Any]:
    identity = _identity(number).hex()
    name = f"Thermometer {number}"
    data = {"address": _address(number), "identity": identity, "hub_id": HUB_ID, "name": name, "model": "Thermometer", "version": "0.1.0"}
    no = {"disabled_by": None, "pref_disable_new_entities": False, "pref_disable_polling": False}
    times = {"created_at": BORN, "modified_at": BORN}
    kind = {"domain": DOMAIN, "source": "bluetooth", "version": 1, "minor_version": 1, "title": name, "unique_id": identity}
    return {**kind, **no, **times, "entry_id": identity, "data": data, "options": {}, "discovery_keys": {}, "subentries": []}


def furnish(folder: Path, devices: int) -> None:
    """Write what Home Assistant has on disk of so many devices, unless it is there."""
    storage = folder / ".storage"
    if storage.exists():
        return
    storage.mkdir(parents=True)
    (folder / "custom_components").symlink_to(ROOT / "custom_components", target_is_directory=True)
    contents: dict[str, Any] = {f"{DOMAIN}.hub": {"hub_id": HUB_ID, "options": {}}}
    contents |= {f"{DOMAIN}.{_identity(number).hex()}": _snapshot(number) for number in range(devices)}
    for key, data in contents.items():
        (storage / key).write_text(json.dumps({"version": 1, "minor_version": 1, "key": key, "data": data}), encoding="utf-8")
    entries = {"version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [_entry(one) for one in range(devices)]}}
    (storage / "core.config_entries").write_text(json.dumps(entries), encoding="utf-8")


class BlockingCalls(logging.Handler):
    """Counts what Home Assistant's own detection reports."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if "blocking call" in record.getMessage():
            self.count += 1
            print(record.getMessage(), file=sys.stderr)


class Pauses:
    """Looks how long the event loop does nothing else."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.monotonic() - before - TICK)


def memory() -> int:
    """Return the memory of this process now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def _core(folder: Path) -> HomeAssistant:
    """Return a Home Assistant with its registries and bluetooth; never started, so its web server opens no port."""
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    for component in ("homeassistant", "bluetooth", "sensor", "binary_sensor", "event", "button", "notify"):
        await async_setup_component(hass, component, {})
    return hass


def _hear(hass: HomeAssistant, devices: int) -> None:
    """Let a scanner that cannot connect hear every device, as after a restart."""
    scanner = air.Scanner("listener", "listener", None, connectable=False)
    scanner.async_setup()
    bluetooth.async_register_scanner(hass, scanner)
    for number in range(devices):
        beacon = Beacon(BeaconState.PAIRED, relay=False, short_id=_identity(number)[:SHORT_ID_SIZE])
        scanner.hear(_address(number), beacon.advertisement)


def _read(hass: HomeAssistant) -> float:
    """Let every device tell its readings; return the microseconds of each."""
    coordinators = [entry.runtime_data for entry in hass.config_entries.async_loaded_entries(DOMAIN)]
    begin = time.perf_counter()
    for coordinator in coordinators:
        coordinator._on_event(MessageReceived(MessageType.READINGS, 1, READING))  # noqa: SLF001  # where the protocol's events arrive
    return 1e6 * (time.perf_counter() - begin) / max(1, len(coordinators))


async def _readings(hass: HomeAssistant) -> tuple[float, int]:
    """Return the microseconds of a reading in its last round, and the bytes by which the memory grew after the first ones."""
    microseconds, settled = 0.0, 0
    for number in range(2 * ROUNDS):
        microseconds = _read(hass)
        await hass.async_block_till_done()
        settled = memory() if number == ROUNDS - 1 else settled
    return microseconds, memory() - settled


async def run(devices: int, folder: Path) -> dict[str, Any]:
    """Start, read, stop; return the figures."""
    blocking, pauses = BlockingCalls(), Pauses()
    logging.getLogger().addHandler(blocking)
    hass = await _core(folder)
    _hear(hass, devices)
    watching = asyncio.create_task(pauses.watch())
    begin = time.perf_counter()
    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    seconds, rss = time.perf_counter() - begin, memory()
    watching.cancel()
    microseconds, growth = await _readings(hass)
    loaded = sum(entry.state is ConfigEntryState.LOADED for entry in hass.config_entries.async_entries(DOMAIN))
    figures = {"devices": devices, "loaded": loaded, "seconds": seconds, "rss": rss, "entities": len(hass.states.async_all())}
    await hass.async_stop(force=True)
    more = {
        "longest_pause": pauses.longest,
        "microseconds": microseconds,
        "growth": growth / 1024 / max(1, devices),
        "blocking": blocking.count,
    }
    return {**figures, **more}


if __name__ == "__main__":
    furnish(Path(sys.argv[2]), int(sys.argv[1]))
    logging.basicConfig(level=logging.WARNING)
    block_async_io.enable()
    print(json.dumps(asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2])))))

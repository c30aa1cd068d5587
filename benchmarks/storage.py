"""Our durable write of one device's snapshot, beside Home Assistant's own store: time that passes, on this machine's disk."""

import tempfile
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry
from homeassistant.helpers.storage import Store

from custom_components.self_secure.store import STORE_VERSION, device_store

from .couple import Couple
from .harness import Bench

_MOST = 200  # writes in a block: each one waits for the disk


def register(bench: Bench) -> None:
    """Add the cases."""
    folder = tempfile.TemporaryDirectory(prefix="bench-", delete=True)
    snapshot = dict(Couple().pair().snapshot)
    hass = bench.await_(_home_assistant(folder.name))
    ours = device_store(hass, "00112233445566778899aabbccddeeff")
    theirs: Store[dict[str, Any]] = Store(hass, STORE_VERSION, "bench", private=True, atomic_writes=True)
    _add(bench, "ours", "durable write, read back", ours, snapshot)
    _add(bench, "home assistant", "atomic write", theirs, snapshot)
    bench.keep(folder)


async def _home_assistant(folder: str) -> HomeAssistant:
    hass = HomeAssistant(folder)
    issue_registry.async_get(hass)
    return hass


def _add(bench: Bench, group: str, name: str, store: Store[dict[str, Any]], snapshot: dict[str, Any]) -> None:
    async def loop(_state: object, n: int) -> None:
        for _ in range(n):
            await store.async_save(snapshot)

    def check(_state: object, _n: int) -> None:
        if bench.await_(store.async_load()) != snapshot:
            raise RuntimeError("not stored")

    bench.add(group, name, loop, check=check, unit="write", asynchronous=True, wall=True, most=_MOST)

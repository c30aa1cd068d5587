"""Keys on disk: a snapshot is durable before anything that depends on it leaves (protocol.md 7)."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, override

from atomicwrites import AtomicWriter  # type: ignore[import-untyped]  # has no types
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import STORAGE_DIR, Store
from homeassistant.util.file import WriteError

from .const import DOMAIN
from .transport.client import Save, StorageError

STORE_VERSION: Final = 1  # of the envelope; the snapshot has a version of its own

SCRATCH_SUFFIX: Final = ".new"

type Stored = dict[str, Any]


class ScratchWriter(AtomicWriter):  # type: ignore[misc]  # an untyped base
    """Writes beside the store, under a name that tells whose keys are left there when Home Assistant is killed meanwhile."""

    @override
    def get_fileobject(self, **kwargs: Any) -> IO[Any]:
        """Open a new file, 0600."""
        return super().get_fileobject(suffix=SCRATCH_SUFFIX, prefix=f"{Path(self._path).name}.", **kwargs)  # type: ignore[no-any-return]  # untyped


class DurableStore(Store[Stored]):
    """A private store (0600, fsynced) whose `async_save` returns only when the data can be read back.

    Home Assistant's own logs a failed write and goes on, and only queues while it is stopping.
    """

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        super().__init__(hass, STORE_VERSION, f"{DOMAIN}.{name}", private=True, atomic_writes=True)
        self._failure: Exception | None = None
        self._saving = asyncio.Lock()  # else one save would read back what another one wrote

    @override
    async def async_save(self, data: Stored) -> None:
        """Make `data` durable; raises `StorageError`, and then the disk holds the old data or the new."""
        async with self._saving:
            await self._async_make_durable(data)

    async def _async_make_durable(self, data: Stored) -> None:
        if self.hass.is_stopping:
            raise StorageError("Home Assistant is stopping, nothing new is stored")
        expected = json_bytes(data)
        self._failure = None
        await super().async_save(data)
        if self._failure is not None:
            raise StorageError(f"cannot write {self.key}: {self._failure}") from self._failure
        if json_bytes(await self._async_read_back()) != expected:
            raise StorageError(f"{self.key} does not read back as it was written")

    async def _async_read_back(self) -> Stored | None:
        try:
            return await self.async_load()
        except (HomeAssistantError, OSError) as error:
            raise StorageError(f"cannot read {self.key} back: {error}") from error

    @override
    def _write_prepared_data(self, mode: str, json_data: str | bytes) -> None:
        """Replace the file as `atomic_writes` does, but by way of a file that `async_clean` finds again."""
        Path(self.path).parent.mkdir(exist_ok=True)
        try:
            with ScratchWriter(self.path, mode=mode, overwrite=True).open() as file:
                file.write(json_data)
        except OSError as error:
            raise WriteError(error) from error

    @override
    async def _async_write_data(self, data: Stored) -> None:
        """Keep the failure, which the caller would only log."""
        try:
            await super()._async_write_data(data)
        except (HomeAssistantError, OSError) as error:
            self._failure = error


async def async_clean(hass: HomeAssistant) -> None:
    """Erase what writes left that a kill interrupted: old keys must not outlive their epoch. Only before the first write."""

    def clean() -> None:
        for left in Path(hass.config.path(STORAGE_DIR)).glob(f"{DOMAIN}.*{SCRATCH_SUFFIX}"):
            left.unlink(missing_ok=True)

    await hass.async_add_executor_job(clean)


def device_store(hass: HomeAssistant, identity: str) -> DurableStore:
    """Return the store of the device with that identity (32 hex digits)."""
    return DurableStore(hass, identity)


async def async_erase(hass: HomeAssistant, identity: str) -> None:
    """Erase all files with keys of that device: its store, and what a killed write or Home Assistant's care of a damaged file left.

    Raises `StorageError` if one of them is still there.
    """

    def erase() -> list[OSError]:
        failures: list[OSError] = []
        for left in Path(hass.config.path(STORAGE_DIR)).glob(f"{DOMAIN}.{identity}*"):
            try:
                left.unlink(missing_ok=True)
            except OSError as error:
                failures.append(error)
        return failures

    with suppress(OSError):  # what that is shows below
        await device_store(hass, identity).async_remove()
    if failures := await hass.async_add_executor_job(erase):
        raise StorageError(f"cannot erase the key: {'; '.join(map(str, failures))}") from failures[0]


def saver(hass: HomeAssistant, identity: str) -> Save:
    """Return what a client makes its snapshots durable with."""
    store = device_store(hass, identity)

    async def save(snapshot: Mapping[str, Any]) -> None:
        await store.async_save(dict(snapshot))

    return save


def hub_store(hass: HomeAssistant) -> DurableStore:
    """Return the store of what all devices share; nothing in it is secret."""
    return DurableStore(hass, "hub")

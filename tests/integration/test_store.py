"""The store on a real disk: durable, private, and honest about failures."""

import asyncio
from collections.abc import AsyncIterator
import json
from pathlib import Path
import stat

from homeassistant.config_entries import ConfigEntries
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.self_secure import lifecycle
from custom_components.self_secure.hub import async_load_hub
from custom_components.self_secure.store import DurableStore, async_clean, async_erase, device_store
from custom_components.self_secure.transport.client import StorageError

IDENTITY = "00112233445566778899aabbccddeeff"
DATA = {"version": 1, "keys": {"0": "ab"}}


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    """Home Assistant without the test plugin's storage in memory."""
    hass = HomeAssistant(str(tmp_path))
    ir.async_get(hass)
    yield hass
    await hass.async_stop(force=True)


def path_of(hass: HomeAssistant) -> Path:
    return Path(hass.config.path(".storage", f"self_secure.{IDENTITY}"))


async def test_file_is_private_and_read_by_another_store(bare: HomeAssistant) -> None:
    await device_store(bare, IDENTITY).async_save(DATA)
    assert stat.S_IMODE(path_of(bare).stat().st_mode) == 0o600
    assert json.loads(path_of(bare).read_text())["data"] == DATA
    assert await device_store(bare, IDENTITY).async_load() == DATA


async def test_data_is_synced_before_save_returns(bare: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr("atomicwrites._proper_fsync", lambda _: order.append("fsync"))
    await device_store(bare, IDENTITY).async_save(DATA)
    order.append("returned")
    assert order[0] == "fsync"
    assert order[-1] == "returned"


async def test_folder_that_cannot_be_written(bare: HomeAssistant) -> None:
    path_of(bare).parent.write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        await device_store(bare, IDENTITY).async_save(DATA)


async def test_failed_sync_is_an_error_and_the_old_file_stays(bare: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    store = device_store(bare, IDENTITY)
    await store.async_save(DATA)

    def fail(_: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("atomicwrites._proper_fsync", fail)
        with pytest.raises(StorageError):
            await store.async_save({"version": 2})
    assert await device_store(bare, IDENTITY).async_load() == DATA
    await store.async_save({"version": 3})
    assert await device_store(bare, IDENTITY).async_load() == {"version": 3}


async def test_write_that_does_not_read_back(bare: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DurableStore, "_write_prepared_data", lambda *_: None)
    with pytest.raises(StorageError):
        await device_store(bare, IDENTITY).async_save(DATA)


async def test_write_that_cannot_be_read_back(bare: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    write = DurableStore._write_prepared_data
    newer = json.dumps({"version": 99, "minor_version": 1, "key": "x", "data": DATA}).encode()
    monkeypatch.setattr(DurableStore, "_write_prepared_data", lambda store, mode, _data: write(store, mode, newer))
    with pytest.raises(StorageError, match="cannot read"):
        await device_store(bare, IDENTITY).async_save(DATA)


@pytest.mark.parametrize("state", [CoreState.stopping, CoreState.final_write])
async def test_nothing_is_stored_while_stopping(bare: HomeAssistant, state: CoreState) -> None:
    bare.set_state(state)
    with pytest.raises(StorageError):
        await device_store(bare, IDENTITY).async_save(DATA)
    assert not path_of(bare).exists()
    bare.set_state(CoreState.running)


async def test_data_that_is_no_json(bare: HomeAssistant) -> None:
    with pytest.raises((StorageError, TypeError)):
        await device_store(bare, IDENTITY).async_save({"key": object()})


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"version": 1, "minor_version": 1, "key": "x", "da'])
async def test_damaged_file_is_lost_not_zero(bare: HomeAssistant, damage: bytes) -> None:
    await device_store(bare, IDENTITY).async_save(DATA)
    path_of(bare).write_bytes(damage)
    assert await device_store(bare, IDENTITY).async_load() is None


async def test_removed_file_is_gone(bare: HomeAssistant) -> None:
    store = device_store(bare, IDENTITY)
    await store.async_save(DATA)
    await store.async_remove()
    assert not path_of(bare).exists()


async def test_erasing_takes_along_what_was_left_beside_the_store(bare: HomeAssistant) -> None:
    await device_store(bare, IDENTITY).async_save(DATA)
    path_of(bare).write_bytes(b"{")
    assert await device_store(bare, IDENTITY).async_load() is None  # Home Assistant keeps what is damaged under another name
    await device_store(bare, IDENTITY).async_save(DATA)
    folder = path_of(bare).parent
    (folder / f"self_secure.{IDENTITY}.abc.new").write_text("a killed write")
    other = folder / f"self_secure.{'f' * 32}"
    other.write_text("another device")
    assert len(list(folder.iterdir())) == 4
    await async_erase(bare, IDENTITY)
    assert list(folder.iterdir()) == [other]


async def test_erasing_goes_on_after_a_file_that_stays(bare: HomeAssistant) -> None:
    await device_store(bare, IDENTITY).async_save(DATA)
    stubborn = path_of(bare).parent / f"self_secure.{IDENTITY}.corrupt.1"
    stubborn.mkdir()
    with pytest.raises(StorageError, match="cannot erase"):
        await async_erase(bare, IDENTITY)
    assert list(stubborn.parent.iterdir()) == [stubborn]


async def test_what_a_killed_write_left_is_erased_at_the_next_start(bare: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr("atomicwrites.AtomicWriter.commit", lambda *_: None)  # written, never renamed
        with pytest.raises(StorageError):
            await device_store(bare, IDENTITY).async_save(DATA)
    (left,) = path_of(bare).parent.iterdir()
    assert left.name.startswith(f"self_secure.{IDENTITY}.")
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    await async_clean(bare)
    assert not left.exists()


async def test_the_clean_up_touches_no_store(bare: HomeAssistant) -> None:
    await device_store(bare, IDENTITY).async_save(DATA)
    await async_clean(bare)
    assert await device_store(bare, IDENTITY).async_load() == DATA


async def test_saves_at_the_same_time_do_not_fail_each_other(bare: HomeAssistant) -> None:
    store = device_store(bare, IDENTITY)
    await asyncio.gather(*(store.async_save({"version": number}) for number in range(8)))
    assert await store.async_load() == {"version": 7}


async def test_notes_at_the_same_time_are_all_kept(bare: HomeAssistant) -> None:
    bare.config_entries = ConfigEntries(bare, {})
    hub = await async_load_hub(bare)
    await asyncio.gather(*(hub.async_note(f"{number:032x}") for number in range(8)))
    assert (await async_load_hub(bare)).unfinished == {f"{number:032x}" for number in range(8)}


async def test_file_that_cannot_be_read_is_not_taken_for_a_lost_one(bare: HomeAssistant) -> None:
    path_of(bare).mkdir(parents=True)
    with pytest.raises(ConfigEntryNotReady) as caught:
        await lifecycle._async_load(IDENTITY, bare)
    assert caught.value.translation_key == "store_unreadable"

"""The snapshot and the file it lies in."""

import hashlib
from pathlib import Path

import pytest

from self_secure_device import keyring
from self_secure_device.errors import StorageError
from self_secure_device.suites import HYBRID, LOSS
from self_secure_device_linux import storage
from self_secure_device_linux.storage import FileStore
from tests.device.bench import Bench

IDENTITY = bytes(range(16))
#: A snapshot of version 1, as written by 0.1.0: a committed loss key (epoch 7, mark 9), an uncommitted hybrid one before it.
VERSION_1 = bytes.fromhex(
    "53534401000102030405060708090a0b0c0d0e0f02"
    "48484848484848484848484848484848110000000200000000000000000000000000"
    "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
    "48484848484848484848484848484848010000000100000007010000000000000009"
    "4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c"
    "4091efd3e1e38c3e"
)

#: The same as version 4, with the floors of two groups: 7 at version 3, 65,535 at its last version.
VERSION_4 = bytes.fromhex(
    "53534404000102030405060708090a0b0c0d0e0f02"
    "48484848484848484848484848484848110000000200000000000000000000000000"
    "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"
    "48484848484848484848484848484848010000000100000007010000000000000009"
    "4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c"
    "48484848484848484848484848484848000700000003"
    "48484848484848484848484848484848ffffffffffff"
    "e402328b10045e8c"
)


def entries() -> list[keyring.Key]:
    new = keyring.Key(b"H" * 16, HYBRID, 2, 0, b"K" * 32)
    return [new, keyring.Key(b"H" * 16, LOSS, 1, 7, b"L" * 32, True, 9)]


def test_version_1_is_written_and_read() -> None:
    assert keyring.encode(IDENTITY, entries()).hex() == VERSION_1.hex()
    identity, read, _ = keyring.decode(VERSION_1)
    assert identity == IDENTITY
    assert keyring.encode(identity, read) == VERSION_1


def test_version_4_is_written_and_read() -> None:
    identity, read, floors = keyring.decode(VERSION_4)
    assert (identity, len(read), floors) == (IDENTITY, 2, VERSION_4[-52:-8])
    assert keyring.encode(IDENTITY, entries(), floors).hex() == VERSION_4.hex()
    assert keyring.encode(identity, read, floors) == VERSION_4


@pytest.mark.parametrize("position", [0, 3, 4, 20, 37, 60, -1])
def test_damage_is_found(position: int) -> None:
    broken = bytearray(VERSION_1)
    broken[position] ^= 1
    with pytest.raises(StorageError):
        keyring.decode(bytes(broken))


@pytest.mark.parametrize("length", [0, 1, 8, 28, len(VERSION_1) - 1])
def test_a_cut_file_is_found(length: int) -> None:
    with pytest.raises(StorageError, match="damaged"):
        keyring.decode(VERSION_1[:length])


def resealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()[: keyring.CHECK_BYTES]


@pytest.mark.parametrize(
    ("position", "value", "text"), [(3, 5, "version 5"), (3, 4, "damaged"), (20, 3, "damaged"), (37, 0x77, "unknown suite")]
)
def test_what_a_newer_program_wrote_is_refused(position: int, value: int, text: str) -> None:
    body = bytearray(VERSION_1[: -keyring.CHECK_BYTES])
    body[position] = value
    with pytest.raises(StorageError, match=text):
        keyring.decode(resealed(bytes(body)))


def test_only_the_store_key_is_written() -> None:
    bench = Bench()
    session = bench.pair()
    written = b"".join(bench.port.saved)
    assert session.store in written
    assert bench.responder.root not in written
    assert all(chain not in written for chain in session.chains)


def test_a_file_of_our_own_0600(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "deep" / "state")
    assert store.load() is None
    store.save(b"first")
    store.save(b"second")
    assert store.load() == b"second"
    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["state"]


def test_a_crash_before_the_rename_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "state")
    store.save(b"old")

    def crash(_: int) -> None:
        raise OSError("power loss")

    monkeypatch.setattr(storage.os, "fsync", crash)
    with pytest.raises(OSError, match="power loss"):
        store.save(b"new")
    assert store.load() == b"old"


def test_without_a_path_it_is_in_memory() -> None:
    store = FileStore()
    assert store.load() is None
    store.save(b"state")
    assert store.load() == b"state"

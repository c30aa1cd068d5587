"""Five kills at random moments, and the search for keys that judges them."""

import asyncio
import base64
from pathlib import Path
import re
import sys

import pytest

from demo.errors import DemoError
from demo.kills.leaks import Leak, check_no_leak, leaks, witnessed

#: Seconds for pairing twice and five kills on a busy machine; without load it is about a minute and a half.
LIMIT = 600

KEY, OTHER = bytes(range(7, 39)), bytes(range(100, 132))
KINDS = {KEY: "StoreKey", OTHER: "ChainKey"}
STORE = "self_secure.00112233445566778899aabbccddeeff"
REPOSITORY = Path(__file__).parents[2]

FORMS = {
    "raw": OTHER,
    "hex": OTHER.hex().encode(),
    "capital hex": OTHER.hex().upper().encode(),
    "repr": repr(OTHER).encode(),
    **{f"base64 after {skipped}": base64.b64encode(b"!" * skipped + OTHER + b"?") for skipped in range(4)},
    "url-safe base64": base64.urlsafe_b64encode(OTHER),
}


@pytest.mark.timeout(LIMIT)
async def test_five_kills_lose_nothing_and_leave_no_key() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo.kills", "--count", "5", "--seed", "5"),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert re.search(r"\n\d+ passed, 0 failed\n$", output), output
    assert process.returncode == 0


@pytest.mark.parametrize("written", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("before", [b"", b"abc", b"x" * 1000 + b"\n"], ids=len)
def test_a_key_is_found_in_any_form_anywhere(tmp_path: Path, written: bytes, before: bytes) -> None:
    (tmp_path / "log").write_bytes(before + written + b" after")
    assert {(leak.file, leak.kind) for leak in leaks([tmp_path / "log"], KINDS)} == {("log", "ChainKey")}


@pytest.mark.parametrize("data", [b"", b"short", OTHER[:-1] + b"?", OTHER.hex()[:-1].encode(), OTHER[:8] * 4])
def test_what_only_begins_like_a_key_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "log").write_bytes(data)
    assert leaks([tmp_path / "log"], KINDS) == []


@pytest.mark.parametrize(
    ("name", "key", "allowed"),
    [(STORE, KEY, True), (STORE, OTHER, False), (f"{STORE}.abc.new", KEY, False), ("tmp1234", KEY, False), ("self_secure.hub", KEY, False)],
)
def test_the_store_alone_holds_stored_keys_alone(tmp_path: Path, name: str, key: bytes, allowed: bool) -> None:
    (tmp_path / name).write_text(key.hex())
    assert leaks([tmp_path / name], KINDS) == ([] if allowed else [Leak(name, KINDS[key], "hex")])


def test_a_search_that_finds_nothing_in_the_store_is_no_proof(tmp_path: Path) -> None:
    witness, root = tmp_path / "witness", tmp_path / "config"
    witness.write_text(f"StoreKey {KEY.hex()}\n")
    root.mkdir()
    (root / STORE).write_text("{}")
    with pytest.raises(DemoError, match="would find none anywhere"):
        check_no_leak([root], witness)
    (root / STORE).write_text(KEY.hex())
    assert check_no_leak([root], witness) == 1


def test_notes_torn_by_a_kill_and_twins_of_stored_keys(tmp_path: Path) -> None:
    twin = f"ChainKey {KEY.hex()}\nStoreKey {KEY.hex()}\nChainKey {KEY.hex()}\n"
    (tmp_path / "witness").write_text(f"{twin}ChainKey {OTHER.hex()}\nChainKey {OTHER.hex()[:20]}")
    assert witnessed(tmp_path / "witness") == KINDS

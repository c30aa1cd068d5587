"""Searches files for keys in every form that a program could write them in."""

import base64
from dataclasses import dataclass
import re
from typing import TYPE_CHECKING

import numpy as np

from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: The only file that may hold a key, and only the kind that is made to be stored: named after the device's identity.
STORE = re.compile(r"self_secure\.[0-9a-f]{32}")
STORED_KIND = "StoreKey"

#: Bytes that the search compares first; every form is longer.
PREFIX = 8

#: Base64 digits of a 32-byte key that depend on nothing but the key, whatever stands before it: (skipped, kept) by its offset mod 3.
BASE64_WINDOWS = ((0, 42), (2, 41), (3, 41))


@dataclass(frozen=True, slots=True)
class Leak:
    """A key where none may be. The key itself is not told."""

    file: str
    kind: str
    form: str


def witnessed(path: Path) -> dict[bytes, str]:
    """Return the kind of each key that the witness wrote down; a stored key may be another kind's twin, then it counts as stored."""
    found: dict[bytes, str] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        kind, _, digits = line.partition(" ")
        if len(digits) == 64:  # the last line may be torn by a kill
            found[bytes.fromhex(digits)] = kind if found.get(bytes.fromhex(digits)) != STORED_KIND else STORED_KIND
    return found


def forms(key: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each form of a key."""
    yield "raw", key
    yield "hex", key.hex().encode()
    yield "hex", key.hex().upper().encode()
    yield "repr", repr(key)[2:-1].encode()
    for offset, (skipped, kept) in enumerate(BASE64_WINDOWS):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield "base64", encode(bytes(offset) + key)[skipped : skipped + kept]


class Search:
    """Looks for many keys at once: by the first 8 bytes of each form, at every offset, then by the whole form."""

    def __init__(self, keys: dict[bytes, str]) -> None:
        self._by_prefix: dict[int, list[tuple[bytes, str, str]]] = {}
        for key, kind in keys.items():
            for form, needle in forms(key):
                prefix = int.from_bytes(needle[:PREFIX], "little")
                self._by_prefix.setdefault(prefix, []).append((needle, kind, form))
        self._prefixes = np.fromiter(self._by_prefix, np.uint64, len(self._by_prefix))

    def found_in(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Yield kind and form of each key in the data, an occurrence each."""
        for shift in range(min(PREFIX, len(data))):
            whole = (len(data) - shift) // PREFIX
            words = np.frombuffer(data, "<u8", whole, shift)
            for place in np.flatnonzero(np.isin(words, self._prefixes)):
                start = shift + PREFIX * int(place)
                for needle, kind, form in self._by_prefix[int(words[place])]:
                    if data.startswith(needle, start):
                        yield kind, form


def leaks(files: Iterable[Path], keys: dict[bytes, str]) -> list[Leak]:
    """Return the keys in these files but for stored keys in the store."""
    search = Search(keys)
    return [
        Leak(path.name, kind, form)
        for path in files
        for kind, form in search.found_in(path.read_bytes())
        if not (STORE.fullmatch(path.name) and kind == STORED_KIND)
    ]


def files_below(*roots: Path) -> list[Path]:
    """Return the regular files below these folders, the linked integrations left out."""
    return [path for root in roots for path in root.rglob("*", recurse_symlinks=False) if path.is_file() and not path.is_symlink()]


def check_no_leak(roots: Iterable[Path], witness: Path) -> int:
    """Return how many keys were searched for; DemoError names the files that hold one, or that nothing was there to be searched."""
    keys, files = witnessed(witness), files_below(*roots)
    if found := leaks(files, keys):
        raise DemoError(f"keys outside the store: {sorted({(leak.file, leak.kind, leak.form) for leak in found})}")
    stores = [path for path in files if STORE.fullmatch(path.name)]
    if not any([*Search(keys).found_in(path.read_bytes())] for path in stores):
        raise DemoError("the search finds no key in the store itself: it would find none anywhere")
    return len(keys)

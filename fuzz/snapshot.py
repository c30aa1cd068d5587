"""Whatever is in the hub's file is read or refused with SnapshotError, and what was read is written and read again as the same state."""

from collections.abc import Mapping
import copy
import json
from typing import Any, Final

from custom_components.self_secure.protocol import snapshot
from custom_components.self_secure.protocol.errors import SnapshotError

from .check import pieces, require

_RECORD: Final = {
    "suite": 17,
    "verified": True,
    "packets": 20,
    "loss": 0.5,
    "secrecy_bits": 5.0,
    "assumed_loss": 20,
    "conflicts": 0,
    "scanners": 1,
}
_PAIRING: Final = {"number": 2, "record": _RECORD, "committed": True, "mark": 7, "keys": {"3": "11" * 32}, "rounds": []}
_PAPER: Final = {**_PAIRING, "number": 1, "record": {**_RECORD, "suite": 0}, "keys": {}, "rounds": [[0, 4, "22" * 32], [1, 0, "33" * 32]]}
_WHOLE: Final = {
    "version": 1,
    "identity": "d0" * 16,
    "pairings": [_PAIRING, _PAPER],
    "queue": [{"type": 2, "id": None, "body": "6162"}, {"type": 5, "id": 4294967297, "body": "01"}],
    "kids": ["0a0b0c0d"],
}
_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    1,
    2**32,
    2**64,
    0.5,
    "",
    "zz",
    "00",
    "11" * 32,
    [],
    {},
    [[]],
    [None],
    {"0": "44" * 32},
    [[0, 0, ""]],
)
_DELETE: Final = 0xFF
_FIRST: Final[Any] = "version"


def run(data: bytes) -> None:
    """Read `data` as the JSON text of a snapshot, or as changes of a good one."""
    stored = _edited(data[1:]) if data[:1] < b"\x80" else _parsed(data[1:])
    if not isinstance(stored, dict):
        return
    try:
        state = snapshot.decode(stored)
    except SnapshotError:
        return
    written = snapshot.encode(state)
    require(snapshot.encode(snapshot.decode(json.loads(json.dumps(written)))) == written, "another state after writing")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError, RecursionError:
        return None


def _edited(data: bytes) -> Mapping[str, Any]:
    """Return a good snapshot with one change for each piece: where, and what instead."""
    stored: dict[str, Any] = copy.deepcopy(_WHOLE)
    for piece in pieces(data):
        if piece:
            _edit(stored, piece[:-1], piece[-1])
    return stored


def _edit(place: Any, path: bytes, value: int) -> None:
    """Walk along `path` as far as it goes, then replace or delete what is there."""
    parent, key = place, _FIRST
    for step in path:
        keys = list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
        if not keys:
            break
        parent, key = place, keys[step % len(keys)]
        place = parent[key]
    if value == _DELETE:
        parent.pop(*(key,) if isinstance(parent, list) else (key, None))
    else:
        parent[key] = copy.deepcopy(_ODD[value % len(_ODD)])

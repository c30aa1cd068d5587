"""What a hub keeps of one device, and its versioned form on disk (protocol.md 7).

Of the keys only SK_e is ever in a snapshot; chain keys, root keys and pending pairings are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from . import limits
from .errors import SnapshotError, SnapshotVersionError
from .events import MessageType, PairingRecord
from .keys import StoreKey
from .resume import HeldKey
from .session import INTERNAL, Outgoing
from .suites import SUITES

VERSION: Final = 1


@dataclass(slots=True)
class Pairing:
    """One negotiated key and the epochs that grew from it."""

    number: int  # rises with each pairing of this device
    record: PairingRecord
    committed: bool = False  # the device has used it
    mark: int = 0  # highest id accepted from the device
    keys: dict[int, StoreKey] = field(default_factory=dict)  # epoch -> SK_e


@dataclass(slots=True)
class DeviceState:
    """All that a hub keeps of one device."""

    identity: bytes
    pairings: list[Pairing] = field(default_factory=list)  # newest first
    queue: list[Outgoing] = field(default_factory=list)
    kids: list[bytes] = field(default_factory=list)  # of replaced keys, newest last

    def held(self) -> list[HeldKey]:
        """Return every key that a resume may start from, newest pairing first."""
        return [
            HeldKey(pairing.number, epoch, pairing.record.suite, pairing.keys[epoch])
            for pairing in self.pairings
            for epoch in sorted(pairing.keys, reverse=True)
        ]

    def pairing(self, number: int) -> Pairing:
        """Return the pairing with this number."""
        return next(pairing for pairing in self.pairings if pairing.number == number)

    def drop_older(self, number: int) -> None:
        """Drop every pairing before `number`: the device has used that one (protocol.md 5 rule 7)."""
        for old in [pairing for pairing in self.pairings if pairing.number < number]:
            self.keep_epochs(old, ())
            self.pairings.remove(old)

    def keep_epochs(self, pairing: Pairing, epochs: Sequence[int]) -> None:
        """Drop all other epochs of `pairing`, remembering their kids."""
        for epoch in [epoch for epoch in pairing.keys if epoch not in epochs]:
            self.kids = [*self.kids, pairing.keys.pop(epoch).kid][-limits.KIDS_REMEMBERED :]


def encode(state: DeviceState) -> dict[str, Any]:
    """Return `state` as JSON types, with the version."""
    return {
        "version": VERSION,
        "identity": state.identity.hex(),
        "pairings": [_encode_pairing(pairing) for pairing in state.pairings],
        "queue": [{"type": int(message.type), "id": message.id, "body": message.body.hex()} for message in state.queue],
        "kids": [kid.hex() for kid in state.kids],
    }


def _encode_pairing(pairing: Pairing) -> dict[str, Any]:
    return {
        "number": pairing.number,
        "record": asdict(pairing.record),
        "committed": pairing.committed,
        "mark": pairing.mark,
        "keys": {str(epoch): key.raw.hex() for epoch, key in pairing.keys.items()},
    }


def decode(data: Mapping[str, Any]) -> DeviceState:
    """Return the state; SnapshotVersionError if it is newer, SnapshotError if it is damaged."""
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        raise SnapshotVersionError(f"stored by version {version}, this one reads up to {VERSION}")
    if version != VERSION:
        raise SnapshotError("no version")
    try:
        return _decode(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SnapshotError("damaged") from error


def _decode(data: Mapping[str, Any]) -> DeviceState:
    state = DeviceState(
        identity=_sized(data["identity"], limits.IDENTITY_SIZE),
        pairings=[_decode_pairing(pairing) for pairing in data["pairings"]],
        queue=[_decode_message(number, row) for number, row in enumerate(data["queue"], 1)],
        kids=[_sized(kid, limits.KID_SIZE) for kid in data["kids"]],
    )
    numbers = [pairing.number for pairing in state.pairings]
    _require(numbers != [] and numbers == sorted(set(numbers), reverse=True), "pairings, newest first")
    return state


def _decode_pairing(data: Mapping[str, Any]) -> Pairing:
    keys = {_number(int(epoch), limits.U32_MAX): StoreKey(bytes.fromhex(key)) for epoch, key in data["keys"].items()}
    record = PairingRecord(**data["record"])
    _require(keys != {} and record.suite in SUITES and data["committed"] in (True, False), "a pairing")
    return Pairing(_number(data["number"], limits.U32_MAX), record, bool(data["committed"]), _number(data["mark"], limits.U64_MAX), keys)


def _decode_message(handle: int, data: Mapping[str, Any]) -> Outgoing:
    kind, body = _number(data["type"], limits.U8_MAX), bytes.fromhex(data["body"])
    number = data["id"] if data["id"] is None else _number(data["id"], limits.U64_MAX)
    _require(len(body) <= limits.BODY_MAX, "a message")
    return Outgoing(INTERNAL if kind == MessageType.VERIFIED else handle, kind, body, number)


def _number(value: int, most: int) -> int:
    _require(type(value) is int and 0 <= value <= most, "a number")
    return value


def _sized(text: str, size: int) -> bytes:
    data = bytes.fromhex(text)
    _require(len(data) == size, "a size")
    return data


def _require(fits: bool, what: str) -> None:
    if not fits:
        raise ValueError(what)

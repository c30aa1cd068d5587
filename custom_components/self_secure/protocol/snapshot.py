"""What a hub keeps of one device, and its versioned form on disk (protocol.md 7).

Of the keys only SK_e is ever in a snapshot; chain keys, root keys and pending pairings are not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from . import limits
from .errors import SnapshotError, SnapshotVersionError
from .events import MessageType, PairingRecord
from .keys import StoreKey
from .resume import HeldKey, Resumed, RoundName
from .session import INTERNAL, Outgoing
from .suites import SUITES
from .terms import Outcome

VERSION: Final = 1
ROUNDS_KEPT: Final = 2


@dataclass(slots=True)
class Pairing:
    """One negotiated key and the epochs that grew from it."""

    number: int  # rises with each pairing of this device
    record: PairingRecord
    committed: bool = False  # the device has used it
    mark: int = 0  # highest id accepted from the device
    keys: dict[int, StoreKey] = field(default_factory=dict)  # epoch -> SK_e
    rounds: dict[RoundName, StoreKey] = field(default_factory=dict)  # suite paper instead: (direction, j) -> W-round key

    @classmethod
    def born(cls, number: int, record: PairingRecord, outcome: Outcome) -> Self:
        """Return the pairing of a new key: SK_0, or in suite paper K_0^d of both directions as j = 0."""
        if not outcome.suite.has_rounds:
            return cls(number, record, keys={0: outcome.root.store()})
        return cls(number, record, rounds={(direction, 0): StoreKey(outcome.root.chain(direction).raw) for direction in (0, 1)})

    def keep_round(self, direction: int, number: int, key: StoreKey) -> None:
        """Store the key of round j and drop all but the last two of its direction (the paper's K_(j-1)W and K_jW)."""
        self.rounds[direction, number] = key
        for name in sorted(name for name in self.rounds if name[0] == direction)[:-ROUNDS_KEPT]:
            del self.rounds[name]


@dataclass(slots=True)
class DeviceState:
    """All that a hub keeps of one device."""

    identity: bytes
    pairings: list[Pairing] = field(default_factory=list)  # newest first
    queue: list[Outgoing] = field(default_factory=list)
    kids: list[bytes] = field(default_factory=list)  # of replaced keys, newest last

    def held(self) -> list[HeldKey]:
        """Return every key that a resume may start from, newest pairing first."""
        return [key for pairing in self.pairings for key in _held(pairing)]

    def pairing(self, number: int) -> Pairing:
        """Return the pairing with this number."""
        return next(pairing for pairing in self.pairings if pairing.number == number)

    def drop_older(self, number: int) -> None:
        """Drop every pairing before `number`: the device has used that one (protocol.md 5 rule 7)."""
        for old in [pairing for pairing in self.pairings if pairing.number < number]:
            self.keep_epochs(old, ())
            self._forget(old.rounds.values())
            self.pairings.remove(old)

    @property
    def keys_held(self) -> int:
        """Number of keys that KEYS_MAX bounds; the two directions of a W-round count as one."""
        return sum(len(pairing.keys) + -(-len(pairing.rounds) // 2) for pairing in self.pairings)

    def stage(self, resumed: Resumed) -> Pairing:
        """Put the new epoch beside the one that it grew from; everything else of that pairing goes."""
        pairing = self.pairing(resumed.base.pairing)
        if resumed.rounds:
            old = {name: key for name, key in pairing.rounds.items() if name in resumed.common}
            self._forget(key for name, key in pairing.rounds.items() if name not in resumed.common)
            pairing.rounds = old | dict(resumed.rounds)
        else:
            pairing.keys[resumed.epoch] = resumed.root.store()
            self.keep_epochs(pairing, (resumed.base.epoch, resumed.epoch))
        return pairing

    def settle(self, resumed: Resumed) -> Pairing:
        """Keep the new epoch alone: the device has it."""
        pairing = self.pairing(resumed.base.pairing)
        if resumed.rounds:
            self._forget(key for name, key in pairing.rounds.items() if name not in resumed.rounds)
            pairing.rounds = dict(resumed.rounds)
        else:
            self.keep_epochs(pairing, (resumed.epoch,))
        return pairing

    def _forget(self, keys: Iterable[StoreKey]) -> None:
        self.kids = [*self.kids, *(key.kid for key in keys)][-limits.KIDS_REMEMBERED :]

    def keep_epochs(self, pairing: Pairing, epochs: Sequence[int]) -> None:
        """Drop all other epochs of `pairing`, remembering their kids."""
        for epoch in [epoch for epoch in pairing.keys if epoch not in epochs]:
            self.kids = [*self.kids, pairing.keys.pop(epoch).kid][-limits.KIDS_REMEMBERED :]


def _held(pairing: Pairing) -> Iterator[HeldKey]:
    suite = pairing.record.suite
    for epoch in sorted(pairing.keys, reverse=True):
        yield HeldKey(pairing.number, epoch, suite, pairing.keys[epoch])
    for direction, number in sorted(pairing.rounds, reverse=True):
        yield HeldKey(pairing.number, number, suite, pairing.rounds[direction, number], direction)


def encode(state: DeviceState) -> dict[str, Any]:
    """Return `state` as JSON types, with the version."""
    return {
        "version": VERSION,
        "identity": state.identity.hex(),
        "pairings": [_encode_pairing(pairing) for pairing in state.pairings],
        "queue": [
            {"type": int(message.type), "id": message.id, "body": message.body.hex()} for message in state.queue if not message.volatile
        ],
        "kids": [kid.hex() for kid in state.kids],
    }


def _encode_pairing(pairing: Pairing) -> dict[str, Any]:
    return {
        "number": pairing.number,
        "record": asdict(pairing.record),
        "committed": pairing.committed,
        "mark": pairing.mark,
        "keys": {str(epoch): key.raw.hex() for epoch, key in pairing.keys.items()},
        "rounds": [[*name, key.raw.hex()] for name, key in pairing.rounds.items()],
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
    except (LookupError, TypeError, ValueError, AttributeError) as error:
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
    rows = data.get("rounds", ())  # samples before suite paper have none
    rounds = {(_number(row[0], 1), _number(row[1], limits.U32_MAX)): StoreKey(bytes.fromhex(row[2])) for row in rows}
    record = PairingRecord(**data["record"])
    _require((keys or rounds) != {} and record.suite in SUITES and data["committed"] in (True, False), "a pairing")
    return Pairing(
        _number(data["number"], limits.U32_MAX), record, bool(data["committed"]), _number(data["mark"], limits.U64_MAX), keys, rounds
    )


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

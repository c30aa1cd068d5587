"""Every group message of a soak: for whom it was sealed, who acted on it, what the hub was told; and who may hold which key."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from custom_components.self_secure.protocol.group import GroupKey, GroupMessage, Place
from custom_components.self_secure.protocol.group_sender import Roster

from ..counts import Counts, ViolationError

KEY_BYTES: Final = 32
OLD_KEYS: Final = 20  # that a member who has left may try


@dataclass(slots=True)
class Sealed:
    """One message of a group, named by its unique body."""

    place: Place
    roster: frozenset[bytes]  # identities
    frame: bytes = field(repr=False)
    step: int  # of the run
    again: bool  # the version was used before a restored disk forgot it
    acted: Counter[bytes] = field(default_factory=Counter)  # by identity
    told: dict[bytes, bool] = field(default_factory=dict)  # what the hub said became of it, by identity
    doubtful: set[bytes] = field(
        default_factory=set
    )  # who may be said to have it and has not: a copy had it, or the number was used before
    carried: dict[bytes, int] = field(default_factory=dict)  # who had it from Eve, not from the hub, and in which of its lives


class GroupLedger:
    """Judges each act, each key and each report at once; ViolationError on the first that is wrong."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._sealed: dict[bytes, Sealed] = {}  # by body
        self._frames: dict[bytes, Sealed] = {}
        self._places: dict[Place, Sealed] = {}  # the newest, where a restored version comes again
        self._rosters: dict[bytes, frozenset[bytes]] = {}  # by GCK_n
        self._keys: dict[Place, bytes] = {}  # GCK_n of what was sealed
        self._numbers: dict[tuple[int, int], dict[bytes, int]] = {}  # of the members' pairings, by gid and version
        self._highest: dict[int, int] = {}  # version by gid
        self._restored: set[int] = set()  # gids whose version on disk is older than one that was used
        self.by_eve = False  # what is acted on now was brought by her

    # --- the hub

    def begun(self, key: GroupKey, roster: Roster) -> None:
        """The hub uses a new version: a later one than any before, unless its disk was restored."""
        gid, version = key.place.gid, key.place.version
        if version <= self._highest.get(gid, 0) and gid not in self._restored:
            raise ViolationError(f"reused: version {version} of group {gid} begins again")
        if key.key.raw in self._rosters:
            raise ViolationError(f"reused: version {version} of group {gid} begins with an old key")
        if version > self._highest.get(gid, 0):
            self._restored.discard(gid)
            self._highest[gid] = version
        self._rosters[key.key.raw] = frozenset(roster)
        self._numbers[gid, version] = dict(roster)

    def restored(self, gid: int) -> None:
        """The version on disk is an old one again."""
        self._restored.add(gid)

    def sealed(self, body: bytes, message: GroupMessage) -> None:
        """The hub has sealed a message: its version's members may read it, and hold its key or the next."""
        roster = self._rosters[message.key.key.raw]
        again = message.place.version < self._highest[message.place.gid] or message.place.gid in self._restored
        record = Sealed(message.place, roster, message.frame, self._counts.step, again)
        self._sealed[body] = self._frames[message.frame] = record
        if message.place in self._places:  # a restored version: receipts of the earlier message may still come
            record.doubtful |= roster
        self._places[message.place] = record
        self._keys[message.place] = message.key.key.raw
        self._rosters[message.key.key.step().raw] = roster
        self._counts.note(f"group {record.place.gid}: {body[:12]!r} is {record.place.version}.{record.place.n}")

    def at(self, place: Place) -> Sealed:
        """Return the message at a place."""
        return self._places[place]

    def told(self, identity: bytes, record: Sealed, excuse: str | None) -> None:
        """The hub says what became of a message: one that was delivered was acted on, one that was missed has an `excuse`; and it says so once."""
        place, delivered = record.place, excuse is None
        if identity in record.told:
            raise ViolationError(f"repeated: the hub tells twice what became of {place}")
        record.told[identity] = delivered
        if delivered and not record.acted[identity] and identity not in record.doubtful:
            raise ViolationError(f"lost: {place} is delivered, and {identity[:1].decode()} has not acted on it")
        if excuse is not None:
            self._counts.rule(f"group: missed, {'but acted on' if record.acted[identity] else 'and not acted on'}")
            self._counts.rule(f"group: missed, because {excuse}")

    # --- the members

    def acted(self, identity: bytes, gid: int, body: bytes, life: int, *, copy: bool) -> None:
        """A device in its present life, or a copy of it, acts on a message: it was sealed for it, and it acts once."""
        record = self._sealed.get(body)
        if record is None or record.place.gid != gid:
            raise ViolationError("forged: a device acts on a group message that nobody has sealed")
        if identity not in record.roster:
            raise ViolationError(f"outside: {identity[:1].decode()} reads {record.place}, which was not for it")
        if copy:
            record.doubtful.add(identity)
            return
        record.acted[identity] += 1
        if record.acted[identity] > 1:
            self._repeated(record, identity, life)
        elif self.by_eve:
            record.carried[identity] = life

    def _repeated(self, record: Sealed, identity: bytes, life: int) -> None:
        """Only who had it from Eve, and has lost its memory before the hub could know, may act again: what is kept of n is in memory."""
        if record.carried.pop(identity, life) == life:
            raise ViolationError(f"repeated: {identity[:1].decode()} acts again on {record.place}")
        self._counts.rule("apart: again after Eve had carried it and the memory was lost")

    def holds(self, identity: bytes, key: bytes) -> None:
        """A device has this GCK_n in its memory."""
        roster = self._rosters.get(key)
        if roster is None:
            raise ViolationError(f"forged: {identity[:1].decode()} holds a key of no group")
        if identity not in roster:
            raise ViolationError(f"outside: {identity[:1].decode()} holds a key that is not for it")

    def keyed(self, identity: bytes, number: int, gid: int, version: int) -> None:
        """A device has taken the key of a version through its pairing with this number."""
        if not self.is_paired_for(identity, number, Place(gid, version, 0)):
            raise ViolationError(
                f"outside: pairing {number} of {identity[:1].decode()} has got the key of version {version}, not made for it"
            )

    def is_paired_for(self, identity: bytes, number: int, place: Place) -> bool:
        """Tell whether a message was sealed for a device with its pairing of this number."""
        return self._numbers[place.gid, place.version].get(identity) == number

    def is_for(self, identity: bytes, frame: bytes) -> bool:
        """Tell whether a frame was sealed for a device."""
        return identity in self._frames[frame].roster

    def keys_of_others(self, place: Place) -> list[bytes]:
        """Return the keys of some messages of other groups or other versions than this one's."""
        newest = list(self._keys.items())[-OLD_KEYS:]
        return [key for other, key in newest if (other.gid, other.version) != (place.gid, place.version)]

    def outcome(self, body: bytes) -> Sealed:
        """Return all that is known of one message."""
        return self._sealed[body]

    # --- what is stored

    def stored(self, data: bytes) -> None:
        """Somebody has written this: no key of a group is in it."""
        if any(window in self._rosters for window in _windows(data)):
            raise ViolationError("stored: a key of a group is on a disk")


def _windows(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + KEY_BYTES] for at in range(len(data) - KEY_BYTES + 1))

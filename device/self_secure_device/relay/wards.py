"""The keys that a relay shares with its wards, and their snapshot: a file of its own, with the entries of ``keyring.py``.

As responder it holds two epochs of a pairing while a resume is on its way (protocol.md 7).
"""

from ..crypto import sha256
from ..errors import StorageError
from ..keyring import CHECK_BYTES, DAMAGED, Key, Keyring
from . import limits

MAGIC = b"SSW"
VERSION = 1
HEAD_BYTES = 5  # magic, version, count


def encode(entries):
    """Return the snapshot: magic, version, keys newest first, checksum."""
    body = MAGIC + bytes([VERSION, len(entries)])
    for entry in entries:
        body += entry.encode()
    return body + sha256(body)[:CHECK_BYTES]


def decode(data):
    """Read a snapshot; StorageError when damaged or from a newer program."""
    body, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
    if len(body) < HEAD_BYTES or body[:3] != MAGIC or sha256(body)[:CHECK_BYTES] != check:
        raise StorageError(DAMAGED)
    if body[3] != VERSION:
        raise StorageError("the relay's stored state has version %d, this program reads %d" % (body[3], VERSION))
    entries, rest = [], body[HEAD_BYTES:]
    for _ in range(body[4]):
        key, rest = Key.decode(rest)
        if len(key.store) != key.suite.store_bytes:
            raise StorageError(DAMAGED)
        entries.append(key)
    if rest:
        raise StorageError(DAMAGED)
    return entries


class Wards(Keyring):
    """All keys, newest pairing first, of one pairing the newest epoch first."""

    def replace(self, entries, floors=None):
        """Write the new list, then adopt it; StorageError (and no change) when the write failed. ``floors``: a ward is in no group of ours."""
        try:
            self._save(encode(entries))
        except OSError as error:
            raise StorageError("cannot store: %s" % error) from error
        self.entries = entries

    def admits(self, identity, busy=()):
        """Return whether there is room for one more key of this ward; a new ward always finds some."""
        return len(self.of(identity)) < limits.MAX_KEYS

    def add(self, key, busy=()):
        """Add a pairing's first key beside everything held; without room for its ward, the one goes that was adopted first."""
        key.pairing = 1 + (self.entries[0].pairing if self.entries else 0)
        full = key.identity not in self.hubs and len(self.hubs) >= limits.MAX_WARDS
        gone = self.entries[-1].identity if full else None
        self.replace([key] + [entry for entry in self.entries if entry.identity != gone])
        return gone

    def stage(self, base, fresh):
        """Put the next epoch in front of the one that it grew from, before R2 leaves; older pairings of the ward go."""
        self._put(base, [fresh, base.marked(base.mark, None)])

    def settle(self, fresh):
        """The ward has the next epoch: nothing else of it is needed."""
        self._put(fresh, [fresh])

    def _put(self, key, instead):
        kept = []
        for entry in self.entries:
            if entry.identity != key.identity or entry.pairing > key.pairing:
                kept.append(entry)
            elif entry.pairing == key.pairing and instead:
                kept += instead
                instead = []
        self.replace(kept)

"""The keys a device holds and their versioned snapshot (protocol.md 5 rule 7, and 7).

Only SK_e, flags, high-water marks and the versions of groups are ever written. A change is on disk before it is used: ``replace`` writes the
new list first and adopts it only then.
"""

from . import limits
from .crypto import number, sha256, u32, u64
from .errors import StorageError
from .suites import find

MAGIC = b"SSD"
VERSION = 1
PAPER_VERSION = 2  # written only when a key of suite ``paper`` is there, which never mixes: its entries are longer
RELAY_VERSION = 3  # written only when a relay's key is there: an older program would take it for a hub's
GROUP_VERSION = 4  # written only when there are groups: what ``group.py`` keeps of them stands behind the keys
HEAD_BYTES = 21  # magic, version, identity, count
KEY_HEAD_BYTES = 34  # what stands before an entry's stored key
CHECK_BYTES = 8  # of SHA-256: finds a damaged file, proves nothing
COMMITTED, RELAY = 1, 2  # flag bits
DAMAGED = "the stored state is damaged"


class Key:
    """SK_e of one pairing and epoch, and the session in memory when there is one.

    ``mark`` is the highest message id accepted in this pairing; ``committed`` is false until R's first valid frame; ``relay``
    tells a key that only authorises a hop (protocol.md 10): nothing of ours is for who has it.
    """

    def __init__(self, identity, suite, pairing, epoch, store, committed=False, mark=0, session=None, relay=False):
        self.identity = identity  # id_R
        self.suite = suite
        self.pairing = pairing  # rises with every pairing of this device
        self.epoch = epoch
        self.store = store
        self.committed = committed
        self.mark = mark
        self.session = session
        self.relay = relay

    def marked(self, mark, saved):
        """Return the committed key with this high-water mark, and with the W-round key ``saved`` unless that is None."""
        store = self.suite.save(self.store, saved) if saved else self.store
        return Key(self.identity, self.suite, self.pairing, self.epoch, store, True, mark, self.session, self.relay)

    def encode(self):
        """Return the key's bytes in the snapshot: a head, and the suite's stored key."""
        flags = (COMMITTED if self.committed else 0) | (RELAY if self.relay else 0)
        head = self.identity + bytes([self.suite.suite_id]) + u32(self.pairing) + u32(self.epoch)
        return head + bytes([flags]) + u64(self.mark) + self.store

    @classmethod
    def decode(cls, data):
        """Read one key; return it and the bytes behind it. StorageError for a suite this program does not know."""
        if len(data) < KEY_HEAD_BYTES:
            raise StorageError(DAMAGED)
        suite = find(data[16])
        if suite is None:
            raise StorageError("unknown suite in the stored state")
        end = KEY_HEAD_BYTES + suite.store_bytes
        pairing, epoch, mark = number(data[17:21]), number(data[21:25]), number(data[26:34])
        store, flags = data[KEY_HEAD_BYTES:end], data[25]
        return cls(data[:16], suite, pairing, epoch, store, bool(flags & COMMITTED), mark, None, bool(flags & RELAY)), data[end:]


def carried(entries):
    """Return whether one of the keys is a relay's."""
    for entry in entries:
        if entry.relay:
            return True
    return False


def encode(identity, entries, floors=b""):
    """Return the snapshot: magic, version, identity, keys newest first, floors of groups, checksum."""
    version = PAPER_VERSION if entries and entries[0].suite.paper else RELAY_VERSION if carried(entries) else VERSION
    version = GROUP_VERSION if floors else version
    body = MAGIC + bytes([version]) + identity + bytes([len(entries)])
    for entry in entries:
        body += entry.encode()
    body += floors
    return body + sha256(body)[:CHECK_BYTES]


def decode(data):
    """Read a snapshot; return (identity, keys, floors of groups). StorageError when damaged or from a newer program."""
    body, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
    if len(body) < HEAD_BYTES or body[:3] != MAGIC or sha256(body)[:CHECK_BYTES] != check:
        raise StorageError(DAMAGED)
    if not VERSION <= body[3] <= GROUP_VERSION:
        raise StorageError("the stored state has version %d, this program reads up to %d" % (body[3], GROUP_VERSION))
    entries, rest = [], body[HEAD_BYTES:]
    for _ in range(body[HEAD_BYTES - 1]):
        key, rest = Key.decode(rest)
        if len(key.store) != key.suite.store_bytes:
            raise StorageError(DAMAGED)
        entries.append(key)
    if bool(rest) != (body[3] == GROUP_VERSION):
        raise StorageError(DAMAGED)
    return body[4:20], entries, rest


class Keyring:
    """All keys, newest pairing first; ``save`` is a function that writes bytes durably and atomically."""

    def __init__(self, identity, entries, floors, save):
        self.identity = identity
        self.entries = entries
        self.floors = floors  # of groups
        self.trim = None  # where there are groups: returns the floors that are left when the first keys become the second
        self._save = save

    def of(self, identity):
        """Return the keys shared with one hub, newest pairing first."""
        found = []
        for entry in self.entries:
            if entry.identity == identity:
                found.append(entry)
        return found

    def committed(self, identity=None):
        """Return the key in use with this hub or relay (None: the newest with any hub), or None while there is none."""
        for entry in self.entries:
            if entry.committed and (entry.identity == identity or (identity is None and not entry.relay)):
                return entry
        return None

    @property
    def uncommitted(self):
        """Whether a pairing still waits for its hub's first frame."""
        for entry in self.entries:
            if not entry.committed:
                return True
        return False

    @property
    def hubs(self):
        """Identities of all hubs that a key is shared with."""
        return {entry.identity for entry in self.entries}

    def admits(self, identity, busy=()):
        """Return whether there is room for one more key with this hub; ``busy`` are hubs that a negotiation runs with."""
        held = self.of(identity)
        if held:
            return len(held) < held[0].suite.max_keys
        return len(self.hubs) < limits.MAX_HUBS or self._stale(busy) is not None

    def _stale(self, busy):
        """Return who has left its first key without an answer for the longest time, else the oldest relay, or None."""
        relay = None
        for entry in reversed(self.entries):
            if entry.identity not in busy:
                if self.committed(entry.identity) is None:
                    return entry.identity
                if relay is None and entry.relay:
                    relay = entry.identity
        return relay

    def replace(self, entries, floors=None):
        """Write the new list and ``floors`` (None: the old ones), then adopt them; StorageError (and no change) when that failed."""
        floors = self.floors if floors is None else floors
        if self.trim is not None:
            floors = self.trim(self.entries, entries, floors)
        try:
            self._save(encode(self.identity, entries, floors))
        except OSError as error:
            raise StorageError("cannot store: %s" % error) from error
        self.entries, self.floors = entries, floors

    def add(self, key, busy=()):
        """Add a pairing's first key beside everything held; without room for its hub, one goes that never answered, or a relay."""
        key.pairing = 1 + (self.entries[0].pairing if self.entries else 0)
        full = key.identity not in self.hubs and len(self.hubs) >= limits.MAX_HUBS
        gone = self._stale(busy) if full else None
        self.replace([key] + [entry for entry in self.entries if entry.identity != gone])

    def mark(self, key, mark, saved=None, floors=None):
        """Commit ``key``, its mark, a W-round key and floors in one write; what is older of its hub goes. Return what stands for it now."""
        marked = key.marked(mark, saved)
        kept = []
        for entry in self.entries:
            if entry.identity != key.identity or entry.pairing >= key.pairing:
                kept.append(marked if entry is key else entry)
        self.replace(kept, floors)
        return marked

    def renew(self, key, epoch, store, session):
        """Put the next epoch's key in place of ``key`` and drop all others of its hub."""
        fresh = Key(key.identity, key.suite, key.pairing, epoch, store, True, key.mark, session, key.relay)
        kept = []
        for entry in self.entries:
            if entry is key:
                kept.append(fresh)
            elif entry.identity != key.identity:
                kept.append(entry)
        self.replace(kept)

    def drop(self, identity):
        """Forget every key shared with one hub."""
        self.replace([entry for entry in self.entries if entry.identity != identity])

    def clear(self):
        """Forget every key; the identity stays, it is the device's serial number."""
        self.replace([])

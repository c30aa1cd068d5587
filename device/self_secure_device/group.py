"""Group messages of hubs: keys that come through a hub's chain, frames sealed with them, receipts (protocol.md 9).

Loaded with the first key of a group; a firmware may leave this file out. Which groups there are, and the highest version of each
that was ever known, stands in the keyring and on the disk; the keys are here, in memory only.
"""

from . import frames, limits, tables
from .crypto import counter_mode, equal, expand, hmac, number, sha256, tag, u16, u32
from .errors import DeviceError, DropError, FrameError, StateError, TagError
from .peer import Message
from .session import GROUP_SYNC, INFO, READINGS, TEXT

NAME_BYTES = 18  # id_R and gid: what a group is called here
FLOOR_BYTES = 22  # and the highest version that was known
PLACE_BYTES = 10  # g: gid, version, n
KEY_BYTES = 42  # of GROUP_KEY
RECEIPT_TAG = 6  # in INFO

#: What this file adds to tables.PEER: a frame is taken as long as there are chains with its hub.
PEER = {
    (tables.RUNNING, frames.GROUP): "message",
    (tables.FROZEN, frames.GROUP): "message",
}


class Group:
    """The key of one group: ``key`` opens the message ``n``."""

    def __init__(self, version, n, key):
        self.version = version
        self.n = n
        self.key = key
        self.last = None  # hash of the frame that was accepted last


def place(gid, version, n):
    """Return g."""
    return u16(gid) + u32(version) + u32(n)


def opened(key, g, frame):
    """Return type and body of a frame at the place ``g`` under GCK_n; TagError when the MAC is wrong."""
    sealed = frame.message[6:]
    if not equal(tag(expand(key, b"SSC1 gmac" + g), frame.header, g, sealed), frame.mac):
        raise TagError("GROUP")
    return counter_mode(expand(key, b"SSC1 genc" + g), sealed)


def stepped(key):
    """GCK_{n+1}."""
    return hmac(key, b"SSC1 gstep")


def each(floors):
    """Yield the floors, the newest first."""
    for at in range(0, len(floors), FLOOR_BYTES):
        yield floors[at : at + FLOOR_BYTES]


def pairings(entries):
    """Return the number of the pairing in use with each hub."""
    found = {}
    for entry in entries:  # the newest first
        if entry.committed and entry.identity not in found:
            found[entry.identity] = entry.pairing
    return found


def trim(before, after, floors):
    """Return the floors of hubs whose pairing in use stays the same when the keys ``before`` become those ``after``."""
    before, after, kept = pairings(before), pairings(after), b""
    for floor in each(floors):
        if floor[:16] in after and after[floor[:16]] == before.get(floor[:16]):
            kept += floor
    return kept


class Groups:
    """All groups of one device. ``host`` is the device: ``keyring``, ``peers``, ``counters``, ``emit``, ``deliver_text``."""

    def __init__(self, host):
        self._host = host
        self._groups = {}  # by name; only those with a floor in the keyring count
        self._asked = set()  # names whose hub was asked for a key in this life
        host.keyring.trim = trim

    def purge(self):
        """Forget the keys of groups that the keyring has dropped."""
        for name in list(self._groups):
            if self._floor(name) is None:
                del self._groups[name]

    def _floor(self, name):
        """Return the highest version known of a group, None for a group that is not known."""
        for entry in each(self._host.keyring.floors):
            if entry[:NAME_BYTES] == name:
                return number(entry[NAME_BYTES:])
        return None

    # --- keys --------------------------------------------------------------------------------------------------

    def floors(self, hub, body):
        """Return what the keyring has to store before the GROUP_KEY ``body`` of a hub may be acknowledged; None: nothing new."""
        if not self._counts(hub, body):
            return None
        name, version = hub + body[:2], body[2:6]
        kept, ours = name + version, 1
        for entry in each(self._host.keyring.floors):
            if entry[:NAME_BYTES] != name:
                ours += entry[:16] == hub
                if entry[:16] != hub or ours <= limits.MAX_GROUPS:
                    kept += entry
        return kept

    def _counts(self, hub, body):
        """Return whether a GROUP_KEY brings something new: a later version, or this one no further than our key."""
        if len(body) != KEY_BYTES:
            return False
        name, version = hub + body[:2], number(body[2:6])
        floor, group = self._floor(name), self._groups.get(name)
        if floor is None or version > floor:
            return True
        return version == floor and (group is None or group.version < version or number(body[6:10]) >= group.n)

    def take(self, peer, body, now):
        """Take a GROUP_KEY whose floor is on the disk; one that does not count is answered with what we know."""
        name = peer.identity + body[:2]
        if self._counts(peer.identity, body):
            self._groups[name] = Group(number(body[2:6]), number(body[6:10]), body[10:])
            self.purge()
            unsay(peer, GROUP_SYNC, body, 2)
            return
        counters = self._host.counters
        counters["old group key"] = counters.get("old group key", 0) + 1
        if len(body) == KEY_BYTES:
            self._ask(peer, name, now)

    def resumed(self, peer):
        """Ask a hub, once in this life, for the keys that a lost memory has taken along."""
        self.purge()
        sent = 0  # what has its id keeps its place; the hub has to know before anything else that the memory is gone
        while sent < len(peer.queue) and peer.queue[sent].number is not None:
            sent += 1
        for entry in each(self._host.keyring.floors):
            name = entry[:NAME_BYTES]
            if name[:16] == peer.identity and name not in self._groups and name not in self._asked:
                self._asked.add(name)
                peer.queue.insert(sent, Message(GROUP_SYNC, entry[16:]))

    def _ask(self, peer, name, now):
        say(peer, GROUP_SYNC, name[16:] + u32(self._floor(name)), 2, now)

    # --- frames ------------------------------------------------------------------------------------------------

    def receive(self, frame, now):
        """Take a frame; DropError when it is none that one of our keys opens, and then nothing has changed."""
        if frame.retran or len(frame.message) < 7:
            raise FrameError("GROUP")
        reason = StateError("no such group")
        for name, group in self._groups.items():
            if name[16:] + u32(group.version) == frame.message[:6]:
                try:
                    self._receive(self._host.peers[name[:16]], group, frame, now)
                except DropError as error:
                    reason = error
                else:
                    return
        raise reason

    def _receive(self, peer, group, frame, now):
        tables.handler(PEER, peer.state, frame.kind)
        gid = number(frame.message[:2])
        if sha256(frame.raw) == group.last:
            self._confirm(peer, place(gid, group.version, frame.seq), now)
            return
        if not 0 <= frame.seq - group.n <= limits.MAX_SKIP:
            raise StateError("not within reach")
        key, g = group.key, place(gid, group.version, frame.seq)
        for _ in range(frame.seq - group.n):
            key = stepped(key)
        text = opened(key, g, frame)
        if text[0] not in (TEXT, READINGS):
            raise StateError("a command to a group")
        group.key, group.n, group.last = stepped(key), frame.seq + 1, sha256(frame.raw)
        self._confirm(peer, g, now)
        self._deliver(peer.identity, gid, text)

    def _deliver(self, hub, gid, text):
        """Hand information to the program, which can see what it came for."""
        host, body = self._host, text[1:]
        host.group = gid
        if text[0] == READINGS:
            host.emit("readings", body, hub)
        else:
            host.deliver_text(body, hub)
        host.group = None

    def _confirm(self, peer, g, now):
        say(peer, INFO, bytes([RECEIPT_TAG, PLACE_BYTES]) + g, 4, now)


def unsay(peer, kind, body, about):
    """Take what was not sent yet out of the queue; the first bytes of ``body``, ``about`` many, tell of which group."""
    for message in list(peer.queue):
        if message.kind == kind and message.number is None and message.body[:about] == body[:about]:
            peer.queue.remove(message)


def say(peer, kind, body, about, now):
    """Queue what a hub is told of a group, in place of what was not sent yet.

    A full queue loses it: then the hub repeats what it was about.
    """
    unsay(peer, kind, body, about)
    try:
        peer.send(kind, body, now)
    except DeviceError:
        pass

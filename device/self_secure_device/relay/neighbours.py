"""Whom a relay hears, and whom its wards hear: what it tells its hubs in INFO (protocol.md 10)."""

from ..adverts import PAIRED, SHORT_ID_BYTES, VERSION, WAITING, beacon
from . import limits

TAG = 5  # of INFO: (short id 4 ‖ state and flags u8 ‖ RSSI i8 ‖ hops u8)*
ENTRY_BYTES = 7
RELAYS_FLAG, HAS_NEWS, LIST_ONLY = 1, 2, 4  # flags of a beacon: it is a relay; with something for a relay; with only lists for hubs
STATE_BITS = 0x0F
RELAYS, ADOPTED = 0x10, 0x20  # flags beside the state: it is a relay; a key with it is there
WEAKEST = -128
LAYOUT = beacon(0, bytes(16))  # written once, there
STATE_AT = len(LAYOUT) - SHORT_ID_BYTES - 2


class Neighbour:
    """One device that is heard."""

    def __init__(self, address, short):
        self.address = address
        self.short = short
        self.state = PAIRED
        self.flags = 0  # of its beacon
        self.rssi = WEAKEST
        self.told = WEAKEST  # the signal strength that the hubs know of
        self.heard_at = 0


class Neighbours:
    """All of them, a bounded number; the weakest makes room. ``changed`` is set when a hub would want to know."""

    def __init__(self):
        self._heard = {}  # by address
        self._behind = {}  # ward's identity → its list: (short id, state and flags, RSSI, hops)
        self.changed = False
        self.moved = False  # only a signal strength has: worth no connection of its own

    def heard(self, address, told, rssi, now):
        """Take what a beacon tells (``read_beacon``); return the Neighbour, or None when there is no room."""
        entry = self._heard.get(address) or self._new(address, told[2], rssi)
        if entry is None:
            return None
        state, flags, short = told
        if state == WAITING and flags & LIST_ONLY:
            state = PAIRED  # or two relays would tell each other's lists for ever
        told = (state, flags & RELAYS_FLAG, short)
        self.changed |= (entry.state, entry.flags, entry.short) != told
        entry.state, entry.flags, entry.short = told
        entry.rssi, entry.heard_at = rssi, now
        self.moved |= abs(rssi - entry.told) >= limits.RSSI_STEP
        return entry

    def _new(self, address, short, rssi):
        if len(self._heard) >= limits.MAX_NEIGHBOURS:
            weakest = min(self._heard.values(), key=lambda one: one.rssi)
            if weakest.rssi >= rssi:
                return None
            del self._heard[weakest.address]
        self.changed = True
        entry = self._heard[address] = Neighbour(address, short)
        return entry

    def present(self, address, now):
        """Take that somebody is here without a beacon: connected to us, or broadcasting."""
        if address in self._heard:
            self._heard[address].heard_at = now

    def visited(self, short, served):
        """A path to this device is closed; ``served``: it worked to its end.

        Then what waits there from now on is news, though its beacon says the same as before. A path that broke may have left
        behind what waited: the hubs hear it once more.
        """
        for entry in self._heard.values():
            if entry.short == short and entry.state >= WAITING:
                entry.state = PAIRED if served else entry.state
                self.changed |= not served
        for entries in self._behind.values():
            for index, (other, state, rssi, hops) in enumerate(entries):
                if other == short and state & STATE_BITS >= WAITING:
                    entries[index] = (other, state & ~STATE_BITS | PAIRED if served else state, rssi, hops)
                    self.changed |= not served

    def expire(self, now):
        """Forget who has been silent."""
        for entry in list(self._heard.values()):
            if now - entry.heard_at >= limits.LIFETIME:
                del self._heard[entry.address]
                self.changed = True

    @property
    def deadline(self):
        """When somebody may have to be forgotten, or None."""
        times = [entry.heard_at + limits.LIFETIME for entry in self._heard.values()]
        return min(times) if times else None

    @property
    def shorts(self):
        """The short ids of all that are heard."""
        return {entry.short for entry in self._heard.values()}

    def addresses(self, short):
        """Return the addresses that a device with this short id is heard at, the latest first."""
        found = [entry for entry in self._heard.values() if entry.short == short]
        found.sort(key=lambda one: -one.heard_at)
        return [entry.address for entry in found]

    # --- behind wards ------------------------------------------------------------------------------------------

    def listed(self, ward, value):
        """Take the list of a ward that is a relay, as its INFO has it; one of another length is ignored."""
        if len(value) % ENTRY_BYTES:
            return
        entries = []
        for at in range(0, len(value), ENTRY_BYTES):
            hops = value[at + 6]
            if hops < limits.MAX_HOPS:
                entries.append((value[at : at + 4], value[at + 4], value[at + 5], hops))
        self.changed |= self._behind.get(ward) != entries
        self._behind[ward] = entries

    def unlisted(self, ward):
        """A ward is out of reach, and all behind it."""
        self.changed |= bool(self._behind.pop(ward, None))

    def via(self, short):
        """Return the identities of the wards that hear a device with this short id, the nearest to it first."""
        found = []
        for ward, entries in self._behind.items():
            for entry in entries:
                if entry[0] == short:
                    found.append((entry[3], ward))
        found.sort()
        return [ward for _, ward in found]

    # --- to the hubs -------------------------------------------------------------------------------------------

    def rows(self, own, adopted):
        """Return (short id, state and flags, RSSI as u8, hops) of each, nearest first, but not of ``own``; ``adopted`` are those with a key."""
        rows = {}
        for entry in sorted(self._heard.values(), key=lambda one: -one.rssi):
            flags = (RELAYS if entry.flags else 0) | (ADOPTED if entry.short in adopted else 0)
            rows.setdefault(entry.short, (entry.short, entry.state & STATE_BITS | flags, entry.rssi & 0xFF, 0))
        for hops, short, state, rssi in self._passed_on():
            rows.setdefault(short, (short, state, rssi, hops))
        rows.pop(own, None)
        return list(rows.values())[: limits.MAX_NEIGHBOURS]

    def value(self, own, adopted):
        """Return the list for INFO."""
        out = b""
        for row in self.rows(own, adopted):
            out += row[0] + bytes(row[1:])
        return out

    def told(self):
        """All hubs get the present list: only what changes from now on is news."""
        for entry in self._heard.values():
            entry.told = entry.rssi
        self.changed = self.moved = False

    def _passed_on(self):
        rows = []
        for entries in self._behind.values():
            for short, state, rssi, hops in entries:
                rows.append((hops + 1, short, state, rssi))
        rows.sort()
        return rows


def read_beacon(data):
    """Return (state, flags, short id) of a beacon, None for any other advertisement."""
    if len(data) != len(LAYOUT) or data[:STATE_AT] != LAYOUT[:STATE_AT] or data[STATE_AT] >> 4 != VERSION:
        return None
    return data[STATE_AT] & STATE_BITS, data[STATE_AT + 1], bytes(data[-SHORT_ID_BYTES:])

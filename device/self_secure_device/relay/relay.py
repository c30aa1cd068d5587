"""The relay in a device (protocol.md 10): whom it hears, whom it connects to, what it carries.

Sans-I/O, as ``device.py``. The program gives it the device around it, the last snapshot of its own and a function that writes
one, and then

* tells it with ``heard`` each advertisement, with ``linked``, ``received``, ``unlinked`` and ``unreachable`` what became of its
  connections as central, and calls ``poll`` at ``deadline``;
* connects to the addresses in ``wanted`` and to no others, subscribes, and writes each ``next_fragment`` with response.

Events, by the device's port, each with the first four bytes of a far identity: "neighbour" and "neighbour_lost", "adopted" and
"unadopted", "route_opened" and "route_closed", "route_refused" (no room for it) and "route_crowded" (more frames than it may carry;
once per route); and of what ``Ward`` emits "possible_clone".
"""

from .. import frames
from ..adverts import FLAGS, RANDOM_TYPE, SHORT_ID_BYTES
from ..errors import DropError, StorageError
from ..keyring import Key
from ..keys import store_key
from ..pairing import earliest
from ..path import ROUTE_BYTES, Part
from ..session import INFO, RELAY, ROUTE, VERIFIED
from ..suites import HYBRID_ID, LOSS_ID
from . import limits, wards
from .hop import Hop
from .neighbours import HAS_NEWS, LIST_ONLY, RELAYS_FLAG, Neighbours, read_beacon
from .routes import Routes
from .telling import Telling, listed
from .ward import Chains, Ward

RANDOM_HEAD = FLAGS + b"\x1b\xff\xff\xff" + bytes([RANDOM_TYPE])
RANDOM_SIZE = 31


class Relay:
    """``device`` is the Device around it, which it becomes a part of; ``save`` writes bytes durably and atomically."""

    def __init__(self, device, stored, save, weak=False):
        """``stored`` is the last snapshot or None; StorageError when it is damaged. ``weak`` allows hops in suite ``loss``."""
        self.suites = (HYBRID_ID, LOSS_ID) if weak else (HYBRID_ID,)
        self.keyring = wards.Wards(device.identity, [] if stored is None else wards.decode(stored), b"", save)
        self.neighbours = Neighbours()
        self.routes = Routes(self._find, device.count, self._told)
        self._telling = Telling(device, self.neighbours, lambda: self.adopted_ids)
        self._device = device
        self._wards = {}
        self._hops = {}  # by address
        self._visit_at = {}  # by the identity of a ward that is a relay
        self.now = 0
        for key in self.keyring.entries:
            self._wards[key.identity] = self._wards.get(key.identity) or Ward(key.identity, self)
        device.relay = self

    # --- what a ward asks of its host --------------------------------------------------------------------------

    @property
    def identity(self):
        """id_R on a hop: the device's own identity."""
        return self._device.identity

    def urandom(self, count):
        """Return fresh random bytes."""
        return self._device.urandom(count)

    def emit(self, kind, value, ward):
        """Tell the program, but for what is only about a hop's own messages."""
        if kind == "possible_clone":
            self._device.emit(kind, value, ward)

    def pull(self, ward):
        """Return the next message for a ward, or None."""
        return self.routes.pull(ward)

    def reconsidered(self):
        """A ward seems to have lost our key, or has shown it after all: the hubs want to know."""
        self.neighbours.changed = True

    def committed(self, ward):
        """A ward has used its key."""

    def deliver(self, ward, message, link, now):
        """Take a message of a ward."""
        if message.kind == RELAY:
            self.routes.returned(ward, message.body, now)
        elif message.kind == ROUTE and len(message.body) == ROUTE_BYTES:
            self.routes.confirmed(ward, message.body, now)
        elif message.kind == INFO and listed(message.body) is not None:
            self.neighbours.listed(ward.identity, listed(message.body))

    # --- what the program may show -----------------------------------------------------------------------------

    @property
    def adopted_ids(self):
        """The short ids of all wards, but of those that seem to have lost our key."""
        shorts = set()
        for identity, ward in self._wards.items():
            if ward.failures < limits.MAX_FAILURES:
                shorts.add(identity[:SHORT_ID_BYTES])
        return shorts

    def rows(self):
        """Return what the hubs are told of the neighbours: (short id, state and flags, RSSI as u8, hops)."""
        return self.neighbours.rows(self.identity[:SHORT_ID_BYTES], self.adopted_ids)

    # --- what the device asks ----------------------------------------------------------------------------------

    @property
    def flags(self):
        """What the beacon says of us: that we relay, whether something waits for a relay above us, and nothing but lists for a hub."""
        flags, messages = RELAYS_FLAG, []
        for peer in self._device.peers.values():
            if not peer.relay:
                messages += peer.queue
            elif peer.queue:
                flags |= HAS_NEWS
        lists = [message for message in messages if not message.told]
        return flags | LIST_ONLY if messages and len(lists) == len(messages) else flags

    def route(self, peer, body, now):
        """Take ROUTE of who is connected to us."""
        self.now = now
        self.routes.route(peer, body, now)

    def carry(self, peer, body, now):
        """Take RELAY of who is connected to us."""
        self.now = now
        self.routes.carry(peer, body, now)

    def cut(self):
        """The connection of who asked for the paths is gone."""
        self.routes.cut(self.now)

    def forget(self):
        """Factory reset: erase the key of every ward."""
        self.keyring.clear()
        self.routes.cut(self.now)
        self._wards = {}
        for hop in self._hops.values():
            hop.ward = hop.responder = None

    # --- hops --------------------------------------------------------------------------------------------------

    def _ward_at(self, address, short):
        """Return the ward that a device with this short id may be, at best one that has been seen at this address."""
        found = [ward for ward in self._wards.values() if ward.identity[:SHORT_ID_BYTES] == short]
        for ward in found:
            if ward.address == address:
                return ward
        return found[0] if found else None

    def _hop(self, address, short):
        hop = self._hops.get(address)
        if hop is None:
            hop = self._hops[address] = Hop(self, address, short)
            hop.ward = self._ward_at(address, short)
        return hop

    def _beside(self, short):
        """Return the hop to a device that is heard, or connected; None for any other."""
        for hop in self._hops.values():
            if hop.short == short and hop.link is not None:
                return hop
        addresses = self.neighbours.addresses(short)
        for address in addresses:
            ward = self._ward_at(address, short)
            if ward is not None and ward.address == address:
                return self._hop(address, short)
        return self._hop(addresses[0], short) if addresses else None

    def _find(self, identity):
        """Return the hop that leads to a device: itself, or a ward that hears it; None while there is none."""
        short = identity[:SHORT_ID_BYTES]
        hop = self._beside(short)
        if hop is not None:
            return hop
        for ward in self.neighbours.via(short):
            hop = self._beside(ward[:SHORT_ID_BYTES])
            if hop is not None and hop.ward is not None and hop.ward.identity == ward:
                return hop
        return None

    def adopted(self, hop, responder, now):
        """A negotiation has ended well: store the key, then tell the device so, and open the paths that waited for it."""
        identity, session = responder.identity, Chains(responder.suite, 0, responder.root, now)
        key = Key(identity, responder.suite, 0, 0, store_key(responder.root), session=session)
        gone = self.keyring.add(key)
        if gone is not None:
            self._wards.pop(gone, None)
            self._device.emit("unadopted", gone[:SHORT_ID_BYTES], gone)
        ward = self._wards.get(identity)
        if ward is None:
            ward = self._wards[identity] = Ward(identity, self)
        ward.begin(Part(VERIFIED, b"\x00"))  # nobody compares a code here
        hop.ward = ward
        self.routes.announce(hop)
        ward.contacted(hop.link, now)
        self.neighbours.changed = True
        self._device.emit("adopted", identity[:SHORT_ID_BYTES], identity)

    def refused(self, hop, cause, now):
        """A negotiation has failed: the paths lead nowhere."""
        for route in self.routes.of(hop):
            self.routes.end(route, now)
        self._device.emit("error", "no key with %s: %s" % (hop.short.hex(), cause), None)

    def _told(self, kind, route):
        far = route.identity[:SHORT_ID_BYTES]
        if kind == "closed":
            self.neighbours.visited(far, route.open)
        self._device.emit("route_" + kind, far, route.identity)

    # --- the radio ---------------------------------------------------------------------------------------------

    def heard(self, address, rssi, data, now):
        """Take one advertisement; what is not of this protocol is nothing."""
        self.now = now
        told = read_beacon(data)
        if told is not None:
            self._beacon(address, told, rssi, now)
        elif len(data) == RANDOM_SIZE and data.startswith(RANDOM_HEAD) and address in self._hops:
            self._random(self._hops[address], bytes(data[len(RANDOM_HEAD) :]), now)

    def _beacon(self, address, told, rssi, now):
        entry = self.neighbours.heard(address, told, rssi, now)
        ward = self._ward_at(address, told[2])
        if entry is None or ward is None:
            return
        ward.beacon_seen(told[0] == 3)
        fresh = ward.identity not in self._visit_at
        if told[1] & RELAYS_FLAG and (fresh or told[1] & HAS_NEWS) and now >= self._visit_at.get(ward.identity, 0):
            self._visit_at[ward.identity] = now + limits.NEWS_REST
            self._hop(address, told[2]).news = True

    def _random(self, hop, packet, now):
        self.neighbours.present(hop.address, now)
        self.routes.random(hop, packet, now)
        self._guarded(hop.random, packet[0], packet[1] << 8 | packet[2], packet[3:], now)

    @property
    def wanted(self):
        """Addresses to be connected to once they are heard, at most ``MAX_LINKS`` of them; all others are to be disconnected from."""
        linked = [hop.address for hop in self._hops.values() if hop.link is not None and hop.wants_link(self.now)]
        if len(linked) >= limits.MAX_LINKS:
            return linked
        others = [hop.address for hop in self._hops.values() if hop.link is None and hop.wants_link(self.now)]
        return linked + others

    def linked(self, address, mtu, now):
        """A wanted device is connected, and has been subscribed to."""
        self.now = now
        if address in self._hops:
            self._guarded(self._hops[address].linked, mtu, now)

    def received(self, address, fragment, now):
        """Take what a connected device notified."""
        self.now = now
        hop = self._hops.get(address)
        raw = hop.link.assembler.feed(fragment) if hop is not None and hop.link is not None else None
        if raw is not None:
            self.neighbours.present(address, now)
            self._guarded(lambda: hop.receive(frames.decode(raw), now))

    def unlinked(self, address, now):
        """A device is not connected any more."""
        self.now = now
        if address in self._hops and self._hops[address].link is not None:
            self._hops[address].unlinked(now)

    def unreachable(self, address, now):
        """A wanted device could not be connected."""
        self.now = now
        if address in self._hops:
            self._hops[address].failed(now)

    def next_fragment(self, address):
        """Return the next fragment to write to a connected device, or None."""
        hop = self._hops.get(address)
        return hop.link.next_fragment() if hop is not None and hop.link is not None else None

    def _guarded(self, call, *arguments):
        try:
            call(*arguments)
        except DropError as error:
            self._device.count(error.reason)
        except StorageError as error:
            self._device.emit("error", str(error), None)

    # --- time --------------------------------------------------------------------------------------------------

    @property
    def deadline(self):
        """When ``poll`` must be called at the latest, or None."""
        first = earliest(self.routes.deadline, self.neighbours.deadline)
        for hop in self._hops.values():
            first = earliest(first, hop.deadline)
        return earliest(first, self._telling.deadline)

    def poll(self, now):
        """Do what is due."""
        self.now = now
        for hop in list(self._hops.values()):
            if hop.link is not None:
                self.neighbours.present(hop.address, now)
            self._guarded(hop.poll, now)
            if hop.unused:
                del self._hops[hop.address]
        self.routes.poll(now)
        self.neighbours.expire(now)
        self._forget_behind()
        self._telling.poll(now)

    def _forget_behind(self):
        for identity in list(self._visit_at):
            if not self.neighbours.addresses(identity[:SHORT_ID_BYTES]):
                del self._visit_at[identity]
                self.neighbours.unlisted(identity)

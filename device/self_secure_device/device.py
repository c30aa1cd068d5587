"""The device put together: beacon, broadcast, links, pairings and the hubs it talks to.

Sans-I/O. The program around it calls ``connected``, ``subscribed``, ``received``, ``disconnected`` and ``poll`` with
``now`` (milliseconds that never wrap), moves ``next_fragment`` and ``advertisement`` to the radio, and gives a port:

``urandom(n)``  n random bytes;
``save(data)``  write durably and atomically before returning, OSError when that failed;
``event(kind, value)``  told what happened: "code" six digits, "paired" None, "pairing_failed" cause, "resumed" epoch,
    "text" str, "bytes" bytes, "verified" whether the user compared, "delivered" and "undelivered" message id,
    "possible_clone", "resume_refused", "forgotten" by the hub, which was asked to, "readings" bytes for a group, "carried" from
    now on by the relay with this short id, "error" text.
    ``hub`` is then the identity of the hub or relay that this is about, or None; ``group`` the gid of the group that a text or
    readings came for, or None.
"""

from . import adverts, frames, keyring, limits
from .errors import DeviceError, DropError, StateError, StorageError
from .inbox import Inbox
from .link import Link
from .pairing import Pairing, earliest
from .peer import Message, Peer
from .session import INFO
from .suites import PAPER_ID, SUITES
from .tables import OPENED, REQUESTED

PHASE_NEGOTIATION, PHASE_RESUME = 0, 2  # high nibble of the type


class Device(Inbox):
    """One initiator with its keys, for several hubs: each has pairings, chains and a queue of its own."""

    def __init__(self, port, identity, stored, parameters, name, info=b""):
        """``stored`` is the last snapshot or None; StorageError when it is damaged. ``info`` is the body of INFO."""
        entries, floors = [], b""
        if stored is not None:
            identity, entries, floors = keyring.decode(stored)
        self.keyring = keyring.Keyring(identity, entries, floors, port.save)
        self.counters = {}
        self.link = None
        self.relay = None  # relay.Relay, where this device carries frames for others
        self.peers = {}  # by identity: every hub or relay that a key is shared with
        self.hub = None
        self.yields = False  # whether the glue should hang up: nothing is left to say to this hub, and another one waits for us
        self._port = port
        self._name = name
        self._info = info
        self._pairing = Pairing(self, parameters)
        for entry in entries:
            self._peer(entry)
        if floors:
            self.load_groups()
        if stored is None:
            self.keyring.replace([])

    # --- what the program asks -----------------------------------------------------------------------------------

    @property
    def identity(self):
        """The device identity, 16 bytes."""
        return self.keyring.identity

    @property
    def hubs(self):
        """The hubs this device is paired with: those that have used their key, and no relay."""
        return [peer for peer in self.peers.values() if peer.committed and not peer.relay]

    @property
    def about(self):
        """The hub that the last event is about, by the first 4 bytes of its identity; None where that goes without saying."""
        hubs = {peer.identity for peer in self.peers.values() if not peer.relay}
        for machine in self._pairing.negotiations:
            if machine.identity is not None:
                hubs.add(machine.identity)
        return self.hub[: adverts.SHORT_ID_BYTES] if self.hub is not None and len(hubs) > 1 else None

    @property
    def peer(self):
        """The hub that was paired last, or None."""
        key = self.keyring.committed()
        return None if key is None else self.peers[key.identity]

    def pair(self, now):
        """Take the local action that starts a pairing; DeviceError when too many wait for an answer."""
        self._pairing.wanted(now)

    def send(self, kind, body, now):
        """Queue one message for every hub; DeviceError when unpaired, or when no hub's queue took it."""
        taken, reason = False, DeviceError("not paired")
        for peer in self.hubs:
            try:
                peer.send(kind, body, now)
                taken = True
            except DeviceError as error:
                reason = error
        if not taken:
            raise reason

    def reset(self):
        """Factory reset: erase every key. The glue must end the connection afterwards."""
        self.keyring.clear()
        self._pairing.abandon()
        self.peers = {}
        self.groups = None

    def forget(self, hub):
        """Erase every key of one hub, by its identity; DeviceError when there is none. It has to pair anew."""
        if hub not in self.peers:
            raise DeviceError("no such hub")
        self.keyring.drop(hub)
        self.forgotten(self.peers[hub])

    # --- what the radio tells ------------------------------------------------------------------------------------

    def connected(self, mtu=frames.MIN_MTU):
        """Begin a connection."""
        self.link = Link(mtu)

    def subscribed(self, now):
        """The hub has subscribed to our notifications: now we may speak."""
        if self.link is None or self.link.subscribed:
            return
        self.link.subscribed = True
        self.link.used_at = now
        self._contacted(self.link, now)

    def _contacted(self, link, now):
        """Somebody listens on this link; with several hubs, its R0 or DATA has to show who (protocol.md 9)."""
        self._pairing.contacted(link, now)
        if len(self.peers) == 1:
            for peer in self.peers.values():
                peer.contacted(link, now)

    def received(self, fragment, now):
        """Take what the hub wrote; a frame that is not right is counted and changes nothing."""
        if self.link is None:
            return
        self.link.used_at = now
        raw = self.link.assembler.feed(fragment)
        if raw is not None:
            self.receive(raw, self.link, now)

    def disconnected(self):
        """End the connection; half a frame, either way, is gone."""
        if self.paths is not None:
            self.paths.close()
        if self.link is not None:
            self.lost(self.link)
        self.link = self.paths = None

    def lost(self, link):
        """A link, or a path over one, is gone."""
        self._pairing.lost(link)
        for peer in self.peers.values():
            peer.lost(link)

    def next_fragment(self):
        """Return the next notification to send, or None."""
        return self.link.next_fragment() if self.link is not None and self.link.subscribed else None

    @property
    def broadcasting(self):
        """Whether random packets are to be advertised instead of the beacon."""
        return self._pairing.on_air is not None

    @property
    def negotiating(self):
        """Whether a negotiation is at work; one that only waits for its hub's user is not."""
        for machine in self._pairing.negotiations:
            if machine.state != OPENED:
                return True
        return False

    def next_random(self):
        """Return the next random packet's advertisement; each must go on the air once, and only unconnected."""
        return adverts.random_packet(*self._pairing.on_air.next_random())

    @property
    def interval(self):
        """The pace of the random packets in ms."""
        return self._pairing.interval

    def beacon(self):
        """Return the discovery advertisement and its scan response."""
        flags = self.relay.flags if self.relay is not None else 0
        return adverts.beacon(self.state, self.identity, flags), adverts.scan_response(self._name)

    @property
    def state(self):
        """The beacon state, 0 to 3: of all hubs' the highest; a relay knows by itself whether it has something for us."""
        state = adverts.READY
        for peer in self.peers.values():
            state = max(state, peer.beacon_state)
        return state

    # --- time ----------------------------------------------------------------------------------------------------

    @property
    def deadline(self):
        """When ``poll`` must be called at the latest, or None."""
        first = self._pairing.deadline
        for peer in self.peers.values():
            first = earliest(first, peer.deadline)
        return first if self.yields else earliest(first, self._yields_at)

    def poll(self, now):
        """Do what is due."""
        self._pairing.poll(now)
        for peer in self.peers.values():
            peer.poll(now)
        if self.paths is not None:
            self.paths.poll(now)
        if self.link is not None and self.link.waiting:
            self.link.used_at = now
        at = self._yields_at
        self.yields = at is not None and now >= at

    @property
    def _yields_at(self):
        link, known = self.link, False
        if link is None or not link.subscribed or link.waiting:
            return None
        if self.relay is not None and len(self.relay.routes):
            return None  # who has asked for them withdraws them when they are not needed any more
        machines = [link.negotiation] if self.paths is None else [link.negotiation] + self.paths.negotiations
        for machine in machines:
            if machine in self._pairing.negotiations and not machine.leaves_link:
                return None
        waits = self.broadcasting
        for peer in self.peers.values():
            if not peer.here:
                waits = waits or peer.waits
            elif peer.busy:
                return None
            else:
                known = True
        for machine in self._pairing.negotiations:
            if machine not in machines and not machine.broadcasting and machine.state not in (REQUESTED, OPENED):
                waits, known = True, False  # a negotiation goes on over another connection, unless its hub is about to show itself here
        return link.used_at + (limits.YIELD_DELAY if known else limits.STRANGER_DELAY) if waits else None

    # --- frames --------------------------------------------------------------------------------------------------

    def count(self, reason):
        """Count a frame that is dropped."""
        self.counters[reason] = self.counters.get(reason, 0) + 1

    def receive(self, raw, link, now):
        """Take one whole frame from a link or a path."""
        try:
            self._dispatch(self._decode(raw), link, now)
        except DropError as error:
            self.count(error.reason)
        except StorageError as error:
            self.emit("error", str(error), None)
        self._pairing.settle(now)

    def _decode(self, raw):
        """Read one frame; bit 7 of the first byte marks those of suite ``paper``, if it is in use."""
        if raw[0] & 0x80 and PAPER_ID in SUITES:
            return SUITES[PAPER_ID].decode(raw)
        return frames.decode(raw)

    def _dispatch(self, frame, link, now):
        phase = frame.kind >> 4
        if phase == PHASE_NEGOTIATION:
            self._pairing.receive(frame, link, now)
            return
        if frame.kind == frames.GROUP and self.groups is not None:
            self.groups.receive(frame, now)
            return
        peers = [self._addressed(frame)] if frame.kind == frames.R0 else list(self.peers.values())
        peer = self._try_peers(peers, frame, link, now)
        self._pairing.met(peer, link, frame.kind != frames.R0)

    def _addressed(self, frame):
        """R0 is the one frame that names its sender."""
        peer = self.peers.get(frame.message[16:])
        if peer is None:
            raise StateError("R0 of an unknown hub")
        return peer

    def _try_peers(self, peers, frame, link, now):
        """The MAC decides whose frame it is; return that peer. A relay's own frames never come over the paths that it opens."""
        reason = StateError("unpaired")
        for peer in peers:
            if peer.relay and link is not self.link:
                continue
            try:
                peer.receive(frame, link, now)
            except DropError as error:
                reason = error
            else:
                return peer
        raise reason

    # --- what pairing and peers ask of us ------------------------------------------------------------------------

    def urandom(self, count):
        """Return fresh random bytes."""
        return self._port.urandom(count)

    def emit(self, kind, value, hub):
        """Tell the program what happened, and with which hub."""
        self.hub = hub
        self._port.event(kind, value)

    def _peer(self, key):
        if key.identity not in self.peers:
            self.peers[key.identity] = Peer(key.identity, self)
        peer = self.peers[key.identity]
        peer.relay = key.relay
        return peer

    def opened(self, negotiation, unsaved):
        """Store a new pairing's key, uncommitted; StorageError when that failed. Then the code may be shown."""
        key = keyring.Key(negotiation.identity, negotiation.suite, 0, 0, unsaved.store, False, 0, unsaved.session, negotiation.relay)
        self.keyring.add(key, [other.identity for other in self._pairing.negotiations])
        peer = self._peer(key)
        self._keep_known()
        peer.forget_resume()
        peer.linked(unsaved.link)
        if negotiation.code is not None:
            self.emit("code", negotiation.code, negotiation.identity)

    def committed(self, peer):
        """The newest pairing with a hub is confirmed: INFO goes first. Nothing of ours goes to a relay."""
        peer.renumber([] if peer.relay else [Message(INFO, self._info)])
        self._pairing.committed(peer.identity)
        if self.groups is not None:
            self.groups.purge()
        if peer.relay:
            self.emit("carried", peer.identity[: adverts.SHORT_ID_BYTES], peer.identity)
        else:
            self.emit("paired", None, peer.identity)

    def renewed(self, peer, epoch, now):
        """A resume is complete: every other key of its hub is gone."""
        self._pairing.superseded(peer.identity, now)
        if not peer.relay:
            self.emit("resumed", epoch, peer.identity)
        if self.groups is not None:
            self.groups.resumed(peer)

    def forgotten(self, peer):
        """A hub was told to forget us, and so did we: no key of it is left."""
        for message in peer.queue:
            if message.number is not None:
                self.emit("undelivered", message.number, peer.identity)
        self._keep_known()
        self._pairing.committed(peer.identity)
        self.emit("forgotten", None, peer.identity)

    def _keep_known(self):
        """Forget the hubs of which no key is left."""
        known = {}
        for entry in self.keyring.entries:
            known[entry.identity] = self.peers[entry.identity]
        self.peers = known
        if self.groups is not None:
            self.groups.purge()

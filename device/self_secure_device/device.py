"""The device put together: beacon, broadcast, link, pairing and the hub it talks to.

Sans-I/O. The program around it calls ``connected``, ``subscribed``, ``received``, ``disconnected`` and ``poll`` with
``now`` (milliseconds that never wrap), moves ``next_fragment`` and ``advertisement`` to the radio, and gives a port:

``urandom(n)``  n random bytes;
``save(data)``  write durably and atomically before returning, OSError when that failed;
``event(kind, value)``  told what happened: "code" six digits, "paired" None, "pairing_failed" cause, "resumed" epoch,
    "text" str, "bytes" bytes, "verified" whether the user compared, "delivered" and "undelivered" message id,
    "possible_clone", "resume_refused", "forgotten" by the hub, which was asked to, "error" text.
"""

from . import adverts, frames, keyring
from .errors import DeviceError, DropError, StateError, StorageError
from .link import Link
from .pairing import Pairing, earliest
from .peer import Message, Peer
from .session import BYTES, INFO, TEXT, VERIFIED
from .suites import PAPER_ID, SUITES

PHASE_NEGOTIATION, PHASE_RESUME = 0, 2  # high nibble of the type


class Device:
    """One initiator with its keys, for one hub at a time: a new pairing replaces the old hub when it is committed."""

    def __init__(self, port, identity, stored, parameters, name, info=b""):
        """``stored`` is the last snapshot or None; StorageError when it is damaged. ``info`` is the body of INFO."""
        entries = []
        if stored is not None:
            identity, entries = keyring.decode(stored)
        self.keyring = keyring.Keyring(identity, entries, port.save)
        self.counters = {}
        self.link = None
        self.peers = {}
        self._port = port
        self._name = name
        self._info = info
        self._pairing = Pairing(self, parameters)
        for entry in entries:
            self._peer(entry.identity)
        if stored is None:
            self.keyring.replace([])

    # --- what the program asks -----------------------------------------------------------------------------------

    @property
    def identity(self):
        """The device identity, 16 bytes."""
        return self.keyring.identity

    @property
    def peer(self):
        """The hub this device is paired with, or None."""
        key = self.keyring.committed
        return None if key is None else self.peers[key.identity]

    def pair(self, now):
        """Take the local action that starts a pairing; DeviceError when too many wait for an answer."""
        self._pairing.wanted(now)

    def send(self, kind, body, now):
        """Queue one message for the hub; DeviceError when unpaired, too long, or the queue is full."""
        if self.peer is None:
            raise DeviceError("not paired")
        self.peer.send(kind, body, now)

    def reset(self):
        """Factory reset: erase every key. The glue must end the connection afterwards."""
        self.keyring.clear()
        self._pairing.abandon()
        self.peers = {}

    # --- what the radio tells ------------------------------------------------------------------------------------

    def connected(self, mtu=frames.MIN_MTU):
        """Begin a connection."""
        self.link = Link(mtu)

    def subscribed(self, now):
        """The hub has subscribed to our notifications: now we may speak."""
        if self.link is None or self.link.subscribed:
            return
        self.link.subscribed = True
        self._pairing.contacted(now)
        for peer in self.peers.values():
            peer.contacted(self.link, now)

    def received(self, fragment, now):
        """Take what the hub wrote; a frame that is not right is counted and changes nothing."""
        if self.link is None:
            return
        raw = self.link.assembler.feed(fragment)
        if raw is not None:
            self._receive(raw, now)

    def disconnected(self):
        """End the connection; half a frame, either way, is gone."""
        self.link = None
        self._pairing.lost()
        for peer in self.peers.values():
            peer.lost()

    def next_fragment(self):
        """Return the next notification to send, or None."""
        return self.link.next_fragment() if self.link is not None and self.link.subscribed else None

    @property
    def broadcasting(self):
        """Whether random packets are to be advertised instead of the beacon."""
        return self._pairing.running and self._pairing.negotiation.broadcasting

    def next_random(self):
        """Return the next random packet's advertisement; each must go on the air once, and only unconnected."""
        return adverts.random_packet(*self._pairing.negotiation.next_random())

    @property
    def interval(self):
        """The pace of the random packets in ms."""
        return self._pairing.interval

    def beacon(self):
        """Return the discovery advertisement and its scan response."""
        return adverts.beacon(self.state, self.identity), adverts.scan_response(self._name)

    @property
    def state(self):
        """The beacon state, 0 to 3."""
        peer = self.peer
        if peer is None:
            return adverts.READY
        if peer.needs_resume:
            return adverts.FORGETFUL
        return adverts.WAITING if peer.queue else adverts.PAIRED

    # --- time ----------------------------------------------------------------------------------------------------

    @property
    def deadline(self):
        """When ``poll`` must be called at the latest, or None."""
        first = self._pairing.deadline
        for peer in self.peers.values():
            first = earliest(first, peer.deadline)
        return first

    def poll(self, now):
        """Do what is due."""
        self._pairing.poll(now)
        for peer in self.peers.values():
            peer.poll(now)

    # --- frames --------------------------------------------------------------------------------------------------

    def _receive(self, raw, now):
        try:
            self._dispatch(self._decode(raw), now)
        except DropError as error:
            self.counters[error.reason] = self.counters.get(error.reason, 0) + 1
        except StorageError as error:
            self.emit("error", str(error))

    def _decode(self, raw):
        """Read one frame; bit 7 of the first byte marks those of suite ``paper``, if it is in use."""
        if raw[0] & 0x80 and PAPER_ID in SUITES:
            return SUITES[PAPER_ID].decode(raw)
        return frames.decode(raw)

    def _dispatch(self, frame, now):
        phase = frame.kind >> 4
        if phase == PHASE_NEGOTIATION:
            self._pairing.receive(frame, now)
        elif frame.kind == frames.R0:
            self._addressed(frame).receive(frame, now)
        else:
            self._try_peers(frame, now)

    def _addressed(self, frame):
        """R0 is the one frame that names its sender."""
        peer = self.peers.get(frame.message[16:])
        if peer is None:
            raise StateError("R0 of an unknown hub")
        return peer

    def _try_peers(self, frame, now):
        """The MAC decides whose frame it is."""
        reason = StateError("unpaired")
        for peer in self.peers.values():
            try:
                peer.receive(frame, now)
            except DropError as error:
                reason = error
            else:
                return
        raise reason

    # --- what pairing and peers ask of us ------------------------------------------------------------------------

    def send_frame(self, raw):
        """Queue a frame on the present link."""
        if self.link is not None:
            self.link.send(raw)

    def urandom(self, count):
        """Return fresh random bytes."""
        return self._port.urandom(count)

    def emit(self, kind, value):
        """Tell the program."""
        self._port.event(kind, value)

    def _peer(self, identity):
        if identity not in self.peers:
            self.peers[identity] = Peer(identity, self)
        return self.peers[identity]

    def opened(self, negotiation, root):
        """Store a new pairing's key, uncommitted; StorageError when that failed. Then the code may be shown."""
        store, session = negotiation.begin(root)
        self.keyring.add(negotiation.identity, negotiation.suite, store, session)
        peer = self._peer(negotiation.identity)
        peer.forget_resume()
        if self.link is not None:
            peer.linked(self.link)
        if negotiation.code is not None:
            self.emit("code", negotiation.code)

    def committed(self, peer):
        """The newest pairing is confirmed: its hub is ours now, INFO goes first."""
        queued = []
        for other in self.peers.values():
            queued.extend(other.queue)
        peer.inherit(queued, Message(INFO, self._info))
        self._keep_known()
        self._pairing.committed()
        self.emit("paired", None)

    def renewed(self, epoch, now):
        """A resume is complete: every other key is gone."""
        self._keep_known()
        self._pairing.superseded(now)
        self.emit("resumed", epoch)

    def forgotten(self, peer):
        """A hub was told to forget us, and so did we: no key of it is left."""
        for message in peer.queue:
            if message.number is not None:
                self.emit("undelivered", message.number)
        self._keep_known()
        self._pairing.committed()
        self.emit("forgotten", None)

    def _keep_known(self):
        """Forget the hubs of which no key is left."""
        known = {}
        for entry in self.keyring.entries:
            known[entry.identity] = self.peers[entry.identity]
        self.peers = known

    def deliver(self, message):
        """Hand a message of the hub to the program; its mark is on disk."""
        if message.kind == TEXT:
            self._deliver_text(message.body)
        elif message.kind == BYTES:
            self.emit("bytes", message.body)
        elif message.kind == VERIFIED and len(message.body) == 1:
            self.emit("verified", message.body == b"\x01")

    def _deliver_text(self, body):
        try:
            self.emit("text", body.decode())
        except UnicodeError:
            self.emit("error", "a text that is not UTF-8")

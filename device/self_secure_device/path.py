"""The far end of a relay's path (protocol.md 10): a link whose frames travel inside the messages of a hop.

Loaded when a relay first opens a path. A path ends with its ROUTE of zeros, or with the connection that it runs over.
"""

from . import frames, limits
from .adverts import SHORT_ID_BYTES
from .peer import CARRIED, Message
from .session import RELAY, ROUTE
from .suites import HYBRID_ID

NUMBER_BYTES = 2  # a path's number on a hop
ROUTE_BYTES = NUMBER_BYTES + 16
RELAY_HEAD_BYTES = NUMBER_BYTES + 1  # number and ttl
TTL = 4  # hops that a frame may take
MAX_INNER = 960  # bytes of an inner frame: behind the head, in one DATA of the hop
MAX_WAITING = 4  # frames of a path and direction that wait for the hop; end to end it is stop and wait, so more are repeats
MAX_PATHS = 4  # as many as hubs: each has one
INVITATION = bytes(NUMBER_BYTES)  # the path of a hub's ROUTE, end to end, that names a relay which may make a key with us
NOWHERE = bytes(16)  # in place of an identity: the path is not there (any more)
NEGOTIATION_END = 0x10  # types below it belong to a negotiation
PAPER_BIT = 0x80  # of a type: suite ``paper`` never goes through a relay


def means(identity, wanted):
    """Return whether a ROUTE's identity is this one; of a device that the hub has only heard it holds the short id, and zeros."""
    short = wanted[SHORT_ID_BYTES:] == NOWHERE[SHORT_ID_BYTES:] and wanted != NOWHERE
    return wanted == identity or (short and wanted[:SHORT_ID_BYTES] == identity[:SHORT_ID_BYTES])


class Part(Message):
    """A message that is part of a path, or of what relays tell: nobody has asked for it."""

    told = False


def waiting(peer, head):
    """Return how many frames of the path with this number wait for the hop."""
    count = 0
    for message in peer.queue:
        if message.kind == RELAY and message.body[:NUMBER_BYTES] == head:
            count += 1
    return count


def purge(peer, head=b""):
    """Drop what was never sent of the path with this number, of all paths without one: it is worth nothing on the next."""
    kept = []
    for message in peer.queue:
        if message.number is not None or message.kind not in CARRIED or not message.body.startswith(head):
            kept.append(message)
    peer.queue = kept


class Path:
    """One path, in place of a link. What it says waits for the hop's turn."""

    max_body = limits.MAX_INNER_BODY

    def __init__(self, paths, peer, head):
        self.hellos = 0  # R0 so far
        self.negotiation = None  # the one that a frame over this path belonged to
        self.peer = peer  # the relay
        self._paths = paths
        self._head = head

    def send(self, raw):
        """Queue one whole frame; a fifth one is dropped, and so is a REQ that no relay may carry."""
        full = waiting(self.peer, self._head) >= MAX_WAITING
        weak = raw[0] == frames.REQ and HYBRID_ID not in raw[frames.HEADER_BYTES + 1 :][: raw[frames.HEADER_BYTES]]
        if full or weak or len(raw) > MAX_INNER:
            self._paths.count("full path" if full else "not for a relay")
        else:
            self.peer.queue.append(Part(RELAY, self._head + bytes([TTL]) + raw))


class Paths:
    """All paths over the present connection. ``device`` is the whole device around it, ``pairing`` asks for its keys."""

    def __init__(self, device, pairing):
        self._device = device
        self._pairing = pairing
        self._open = {}  # by the relay's identity and the path's number
        self.count = device.count

    @property
    def negotiations(self):
        """What frames over the paths belonged to."""
        return [path.negotiation for path in self._open.values()]

    def receive(self, peer, message, link, now):
        """Take a ROUTE or RELAY; what is not for this device is for the relay in it, if there is one."""
        body = message.body
        if message.kind == ROUTE and len(body) != ROUTE_BYTES:
            self.count("malformed")
        elif message.kind == ROUTE and not peer.relay and body.startswith(INVITATION):
            self._pairing.invite(body[NUMBER_BYTES:], now)
        elif link is not self._device.link:  # no path runs over another one
            self.count("not for a relay")
        elif message.kind == ROUTE:
            self._routed(peer, body, now)
        else:
            self._carried(peer, body, now)

    def _routed(self, peer, body, now):
        key = peer.identity + body[:NUMBER_BYTES]
        if key in self._open:
            self._close(key)
        if peer.relay and len(self._open) < MAX_PATHS and means(self._device.identity, body[NUMBER_BYTES:]):
            self._begin(peer, body[:NUMBER_BYTES], key, now)
        elif self._device.relay is not None:
            self._device.relay.route(peer, body, now)
        elif body[NUMBER_BYTES:] != NOWHERE:
            peer.queue.append(Part(ROUTE, body[:NUMBER_BYTES] + NOWHERE))

    def _begin(self, peer, head, key, now):
        peer.queue.append(Part(ROUTE, head + self._device.identity))
        path = self._open[key] = Path(self, peer, head)
        self._pairing.contacted(path, now)

    def _carried(self, peer, body, now):
        path, inner = self._open.get(peer.identity + body[:NUMBER_BYTES]), body[RELAY_HEAD_BYTES:]
        if path is None and self._device.relay is not None:
            self._device.relay.carry(peer, body, now)
        elif path is None:
            self.count("no path")
        elif not 0 < len(inner) <= MAX_INNER or self._barred(inner):
            self.count("not for a relay")
        else:
            self._device.receive(inner, path, now)

    def _barred(self, inner):
        """Whether it belongs to a pairing in another suite than ``hybrid``: the relay could be in its middle unseen."""
        if inner[0] & PAPER_BIT or inner[0] >= NEGOTIATION_END:
            return inner[0] & PAPER_BIT
        if inner[0] == frames.ACC:
            return inner[frames.HEADER_BYTES : frames.HEADER_BYTES + 1] != bytes([HYBRID_ID])
        for machine in self._pairing.negotiations:
            if machine.suite is not None and machine.suite.suite_id != HYBRID_ID:
                return True
        return False

    def _close(self, key):
        path = self._open.pop(key)
        purge(path.peer, key[-NUMBER_BYTES:])
        self._device.lost(path)

    def close(self):
        """The connection ends, and all paths over it."""
        for key in list(self._open):
            self._close(key)
        for peer in self._device.peers.values():
            purge(peer)
        if self._device.relay is not None:
            self._device.relay.cut()

    def poll(self, now):
        """Send what waits for the hops."""
        for peer in self._device.peers.values():
            if peer.relay:
                peer.poll(now)

"""All paths of a relay: opened and withdrawn by who connects to us, carried over the hops to our wards (protocol.md 10)."""

from .. import frames
from ..errors import DropError
from ..pairing import earliest
from ..path import MAX_WAITING, NOWHERE, NUMBER_BYTES, TTL, Part, means, purge, waiting
from ..session import RELAY, ROUTE
from . import limits
from .route import FROM_WARD, TO_WARD, Route, ttl_and_inner


class Routes:
    """``find(identity, now)`` returns the hop that leads to a device, or None; ``tell(kind, route)`` hears "opened", "closed", "refused" and "crowded"."""

    def __init__(self, find, count, tell):
        self._find = find
        self._count = count
        self._tell = tell
        self._routes = []
        self._next = 0  # our numbering; one for all hops

    def of(self, hop):
        """Return the paths over this hop."""
        return [route for route in self._routes if route.hop is hop]

    # --- from who asks -----------------------------------------------------------------------------------------

    def route(self, peer, body, now):
        """Take ROUTE: open a path, open it anew, or withdraw it."""
        head, identity = body[:NUMBER_BYTES], body[NUMBER_BYTES:]
        old = self._at(peer, head)
        if old is not None:
            self._remove(old, now)
        if identity == NOWHERE:
            return
        self._next = self._next % 0xFFFF + 1
        route = Route(peer, head, identity, self._next, now)
        if len(self._routes) >= limits.MAX_PATHS:
            self._tell("refused", route)
            self._answer(peer, head, NOWHERE, now)
            return
        self._routes.append(route)
        self.poll(now)

    def _at(self, peer, head):
        for route in self._routes:
            if route.peer is peer and route.head == head:
                return route
        return None

    def carry(self, peer, body, now):
        """Take RELAY for a ward; what may not pass is counted and dropped."""
        route = self._at(peer, body[:NUMBER_BYTES])
        if route is None:
            self._count("no path")
            self._answer(peer, body[:NUMBER_BYTES], NOWHERE, now)
            return
        try:
            ttl, inner = ttl_and_inner(body, TO_WARD)
        except DropError:
            self._count("not for a relay")
            return
        if len(route.down) >= MAX_WAITING or not route.from_hub.take(now):
            self._crowded(route)
            return
        route.down.append(bytes([ttl]) + inner)
        if route.listening:  # it has to be connected for this
            route.listening = False
            route.deadline = now + limits.PATH_TIME
        if route.hop is not None and route.hop.ward is not None:
            route.hop.ward.poll(now)

    def cut(self, now):
        """Who asked has gone: a path lives no longer than the connection that it was asked over."""
        for route in list(self._routes):
            self._remove(route, now)

    # --- to and from wards -------------------------------------------------------------------------------------

    def announce(self, hop):
        """The ward of this hop is there: open all paths to it or behind it."""
        for route in self.of(hop):
            route.listening = False
            hop.ward.queue.append(Part(ROUTE, route.lower + route.identity))

    def pull(self, ward):
        """Return the next message for a ward, of its paths in turn; None when there is none."""
        for route in self._routes:
            if route.open and route.down and route.hop.ward is ward:
                self._routes.remove(route)
                self._routes.append(route)
                frame = route.down.pop(0)
                route.listening = frame[1] == frames.ACC and means(ward.identity, route.identity)  # we hang up for its broadcast
                return Part(RELAY, route.lower + frame)
        return None

    def _below(self, ward, lower):
        for route in self._routes:
            if route.lower == lower and route.hop is not None and route.hop.ward is ward:
                return route
        self._count("no path")
        return None

    def confirmed(self, ward, body, now):
        """Take a ward's ROUTE: the far side has the path, or it is gone."""
        route = self._below(ward, body[:NUMBER_BYTES])
        if route is None:
            return
        if body[NUMBER_BYTES:] == NOWHERE:
            self.end(route, now)
            return
        if not route.opened:
            self._tell("opened", route)
        route.open = route.opened = True
        route.adopting = False
        self._answer(route.peer, route.head, body[NUMBER_BYTES:], now)
        ward.poll(now)

    def returned(self, ward, body, now):
        """Take a ward's RELAY for who asked."""
        route = self._below(ward, body[:NUMBER_BYTES])
        if route is None:
            return
        try:
            ttl, inner = ttl_and_inner(body, FROM_WARD)
        except DropError:
            self._count("not for a relay")
            return
        if inner[0] == frames.REQ:
            route.requested(inner)
        self._up(route, ttl, inner, now)

    def _up(self, route, ttl, inner, now):
        if waiting(route.peer, route.head) >= MAX_WAITING or not route.from_ward.take(now):
            self._crowded(route)
            return
        route.peer.queue.append(Part(RELAY, route.head + bytes([ttl]) + inner))
        route.peer.poll(now)

    def _crowded(self, route):
        """A frame is dropped; the program hears of the first one."""
        self._count("full path")
        if not route.crowded:
            route.crowded = True
            self._tell("crowded", route)

    def random(self, hop, packet, now):
        """Take a random packet (sid, Seq, R) of a hop's device, for whom a path listens for."""
        for route in self.of(hop):
            if route.random(packet, now):
                self._flush(route, now)

    def _flush(self, route, now):
        inner = route.take_batch()
        if inner is not None:
            self._up(route, TTL, inner, now)

    # --- the end -----------------------------------------------------------------------------------------------

    def _answer(self, peer, head, identity, now):
        peer.queue.append(Part(ROUTE, head + identity))
        peer.poll(now)

    def end(self, route, now):
        """A path leads nowhere (any more): tell who asked."""
        self._remove(route, now)
        self._answer(route.peer, route.head, NOWHERE, now)

    def _remove(self, route, now):
        self._routes.remove(route)
        purge(route.peer, route.head)
        if route.opened:
            self._tell("closed", route)
        if route.hop is not None:
            route.hop.released(route.lower, now)

    def lost(self, hop, now):
        """The link to a ward is gone; its paths have some time to come back, unless that is how it is meant."""
        for route in self.of(hop):
            if route.open and not route.listening:
                route.deadline = now + limits.PATH_TIME
            route.open = False

    # --- time --------------------------------------------------------------------------------------------------

    def poll(self, now):
        """Look for the way of those that have none, end those that took too long, pass on what was collected."""
        for route in list(self._routes):
            if route.hop is None:
                self._seek(route, now)
            if route.batch_at is not None and now >= route.batch_at + limits.BATCH_TIME:
                self._flush(route, now)
            if not route.open and not route.listening and now >= route.deadline:
                self.end(route, now)

    def _seek(self, route, now):
        hop = self._find(route.identity)
        if hop is not None:
            route.hop = hop
            hop.joined(route, now)

    def adopting(self, hop, now):
        """A key has to be made first: that takes longer, but not again and again."""
        for route in self.of(hop):
            if not route.adopting:
                route.adopting, route.deadline = True, now + limits.ADOPTION_TIME

    def wanted(self, hop, identity):
        """Return whether a path asks for this very device, which has to be adopted for it."""
        for route in self.of(hop):
            if means(identity, route.identity):
                return True
        return False

    def __len__(self):
        return len(self._routes)

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or None."""
        first = None
        for route in self._routes:
            if not route.open and not route.listening:
                first = earliest(first, route.deadline)
            if route.batch_at is not None:
                first = earliest(first, route.batch_at + limits.BATCH_TIME)
        return first

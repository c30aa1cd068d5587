"""One device beside a relay: the link to it, who it is, and the negotiation that makes a key with it (protocol.md 10)."""

from .. import frames
from ..errors import StateError
from ..link import Link
from ..pairing import earliest
from ..path import NOWHERE, Part
from ..session import INFO, ROUTE
from . import limits, tables
from .responder import Responder

PHASE_NEGOTIATION = 0  # high nibble of a type


class Hop:
    """``relay`` is the whole around it: routes, wards, urandom, the suites that a hop may have."""

    def __init__(self, relay, address, short):
        self.address = address
        self.short = short  # id in its beacon
        self.link = None
        self.ward = None
        self.responder = None
        self.news = False  # it is a relay that has heard something
        self._knock = None  # its REQ, while we still try the key that we have
        self._relay = relay
        self._rest_until = 0
        self._idle_at = 0

    # --- what is to be done ------------------------------------------------------------------------------------

    def wants_link(self, now):
        """Whether it is to be connected now, or to stay so."""
        if self.link is not None and self.link.waiting:
            return True
        if self.responder is not None:
            return self.responder.wants_link
        if self.ward is not None and self.ward.spent:
            return False
        routes = self._relay.routes.of(self)
        for route in routes:
            if route.listening:
                return self.link is not None and not self.ward.idle
        if self.link is None:
            return now >= self._rest_until and (bool(routes) or self.news)
        return bool(routes) or now < self._idle_at or (self._met and not self.ward.idle)

    @property
    def _met(self):
        """Whether the ward has been greeted on this link; it has not when a new key was tried first, in vain."""
        return self.ward is not None and self.ward.here

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or what ``wants_link`` says may change; None for never."""
        first = None
        if self.responder is not None:
            first = self.responder.deadline
        elif self.ward is not None and self.link is not None:
            first = self.ward.deadline
        change = self._idle_at if self.link is not None else self._rest_until
        return earliest(first, change if change > self._relay.now else None)

    @property
    def unused(self):
        """Whether nothing needs it."""
        return self.link is None and self.responder is None and not self.news and not self._relay.routes.of(self)

    # --- the link ----------------------------------------------------------------------------------------------

    def linked(self, mtu, now):
        """The device is connected, and we are subscribed."""
        self.link = Link(mtu)
        self.link.subscribed = True
        self.news = False
        self._idle_at = now + limits.LINGER
        if self.responder is not None:
            self._say(self.responder.linked(now))
        elif self.ward is not None:
            self._meet(now)
        else:
            self._adopt(now)

    def _meet(self, now):
        self._relay.routes.announce(self)
        if not self.ward.queue:
            self.ward.queue.append(Part(INFO, b""))  # one of several hubs: say who is there
        self.ward.contacted(self.link, now)

    def _adopt(self, now):
        relay = self._relay
        self.responder = Responder(relay.identity, relay.urandom, relay.suites, self._admits, now)
        self.responder.linked(now)
        relay.routes.adopting(self, now)
        if self._knock is not None:
            self._negotiate(self._knock, now)

    def _admits(self, identity):
        return self._relay.routes.wanted(self, identity) and self._relay.keyring.admits(identity)

    def _say(self, raw):
        if raw is not None:
            self.link.send(raw)

    def unlinked(self, now):
        """The link is gone."""
        link, self.link = self.link, None
        self._knock = None
        self._rest_until = now + limits.REST
        if self.ward is not None:
            self.ward.lost(link)
        if self.responder is not None:
            self.responder.unlinked(now)
            if self.ward is not None and self.responder.state == tables.WAITING:
                self.responder = None  # the key that we have goes first
        self._relay.routes.lost(self, now)

    def failed(self, now):
        """A connection could not be made."""
        self.news = False
        self._rest_until = now + limits.REST

    def joined(self, route, now):
        """A path is to go over this hop."""
        if self.link is None or self.ward is None or self.responder is not None:
            return
        if self._met:
            self.ward.queue.append(Part(ROUTE, route.lower + route.identity))
            self.ward.poll(now)
        else:
            self._meet(now)

    def released(self, lower, now):
        """A path does not go over it any more."""
        self._idle_at = now + limits.LINGER
        if self.link is not None and self.ward is not None:
            self.ward.queue.append(Part(ROUTE, lower + NOWHERE))
            self.ward.poll(now)

    # --- frames ------------------------------------------------------------------------------------------------

    def receive(self, frame, now):
        """Take one frame; DropError when it changes nothing."""
        self._idle_at = now + limits.LINGER
        if frame.kind >> 4 == PHASE_NEGOTIATION:
            self._negotiate(frame, now)
        elif self.ward is None:
            raise StateError("no key")
        else:
            self.ward.receive(frame, self.link, now)
            if self.ward.shown:
                self.ward.address = self.address
            self._try_anew(now)

    def _negotiate(self, frame, now):
        responder = self.responder
        if responder is None:
            self._knocked(frame, now)
            return
        self._say(responder.receive(frame, now))
        self._advance(now)

    def _knocked(self, frame, now):
        """A ward asks for a key: it may not know us any more, or mean somebody else. A resume shows which."""
        if frame.kind != frames.REQ or self.ward is None or self.ward.shown:
            raise StateError("no negotiation")
        self._knock = frame
        self.ward.lost_memory = True
        self.ward.poll(now)

    def random(self, sid, seq, value, now):
        """Take one random packet of this device; DropError when it changes nothing."""
        if self.responder is not None and self.responder.sid == sid:
            self.responder.random(seq, value, now)
            self._advance(now)

    def _advance(self, now):
        responder = self.responder
        if responder.state == tables.DONE:
            self.responder = None
            self._relay.adopted(self, responder, now)
        elif responder.state == tables.FAILED:
            self.responder = None
            self._relay.refused(self, responder.failure, now)

    def poll(self, now):
        """Do what is due."""
        if self.responder is not None:
            self.responder.poll(now)
            self._advance(now)
        elif self.ward is not None and self.link is not None:
            self.ward.poll(now)
            self._try_anew(now)

    def _try_anew(self, now):
        """A ward that a resume led nowhere with may have lost our key, and been told to ask for a new one."""
        if self.responder is None and self.ward.spent and not self.ward.shown and self._relay.routes.of(self):
            self._adopt(now)

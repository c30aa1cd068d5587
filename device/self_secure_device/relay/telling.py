"""What a relay tells who carries on with it: the list of its neighbours, in INFO (protocol.md 10)."""

from ..adverts import SHORT_ID_BYTES
from ..path import Part
from ..session import INFO
from . import limits
from .neighbours import TAG


def listed(body):
    """Return the list in the body of an INFO, or None."""
    at = 0
    while at + 2 <= len(body):
        end = at + 2 + body[at + 1]
        if body[at] == TAG and end <= len(body):
            return body[at + 2 : end]
        at = end
    return None


class Telling:
    """``device`` has those who are told, hubs and relays; ``adopted()`` returns the short ids of our wards."""

    def __init__(self, device, neighbours, adopted):
        self._device = device
        self._neighbours = neighbours
        self._adopted = adopted
        self._at = 0
        self._told = {}  # by identity: the last list, and the session that it was made for
        self._noticed = set()  # short ids that the program knows of

    def _due(self):
        """Whether it has changed. A signal strength alone is worth no connection of its own."""
        return self._neighbours.changed or (self._neighbours.moved and self._device.link is not None)

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or None."""
        return self._at if self._due() else None

    def poll(self, now):
        """Send the list to who has none in the present session, and when it has changed to everybody, not too often."""
        due = self._due() and now >= self._at
        if due:
            self._at = now + limits.TELL_TIME
            self._notice()
            self._neighbours.told()
        body = self._list() if due else None
        for peer in list(self._device.peers.values()):
            session, told = peer.session, self._told.get(peer.identity)
            if session is not None and (due or told is None or told[1] is not session):
                body = body or self._list()
                self._told[peer.identity] = (self._queue(peer, told, body), session)
                peer.poll(now)

    def _notice(self):
        """Tell the program who has come and who has gone; as seldom as the hubs, whatever somebody puts on the air."""
        heard = self._neighbours.shorts
        for kind, shorts in (("neighbour_lost", self._noticed - heard), ("neighbour", heard - self._noticed)):
            for short in sorted(shorts):
                self._device.emit(kind, short, None)
        self._noticed = heard

    def _list(self):
        value = self._neighbours.value(self._device.identity[:SHORT_ID_BYTES], self._adopted())
        return bytes([TAG, len(value)]) + value

    def _queue(self, peer, told, body):
        """Put the list at the end of a peer's queue, instead of an older one that was never sent."""
        if told is not None and told[0] in peer.queue and told[0].number is None:
            peer.queue.remove(told[0])
        message = Part(INFO, body)
        peer.queue.append(message)
        return message

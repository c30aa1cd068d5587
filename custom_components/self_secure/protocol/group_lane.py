"""What one device is sent of its groups, one message after the other, and what it has confirmed (protocol.md 9).

A frame goes out when the device is known to hold a key that reaches it and has shown, on this link, that it has not lost its
memory since; the next one when that was acknowledged: a receipt names one message. While one waits, so does its key, which a
device that has lost its own may get.
"""

from collections import deque

from . import limits
from .errors import MalformedError
from .events import GroupKeyed, GroupSettled, GroupSynced, MessageType
from .group import GroupKey, GroupMessage, Place, decode_sync, receipts
from .memory import Memory
from .session import INTERNAL, Incoming, Outgoing, Session
from .wire import Means


class Lane:
    """One group's way to one device."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.held: Place | None = None  # the message that the device expects, as far as it has confirmed that
        self.held_in: Session | None = None  # through these chains
        self.offer: tuple[GroupKey, Outgoing] | None = None  # GROUP_KEY under way
        self.void: tuple[GroupKey, Outgoing] | None = None  # one whose acknowledgement does not say that the device holds that key
        self.taken: tuple[Session, Place] | None = None  # the last one that was acknowledged, in the chains that it first went out on
        self.waiting: deque[GroupMessage] = deque()
        self.first_sent: float | None = None  # of the first that waits
        self.first_in: Session | None = None  # the chains that there were then
        self.sent: float | None = None  # its last sending, over this link
        self.silences = 0  # sendings of it without a receipt

    @property
    def deadline(self) -> float | None:
        """When the receipt is missed."""
        return None if self.sent is None else self.sent + limits.GROUP_RETRY

    def restart(self) -> None:
        """What comes first has not been sent."""
        self.first_sent = self.sent = self.first_in = None
        self.silences = 0


class Lanes:
    """All groups of one device. Memory only; none of it is on disk."""

    def __init__(self, memory: Memory, means: Means) -> None:
        """Send over the link and through the queue of `memory`."""
        self._memory, self._outbox, self._wire = memory, means.outbox, means.wire
        self._lanes: dict[int, Lane] = {}  # by gid

    # --- what is to be done

    @property
    def wants_link(self) -> bool:
        """Tell whether a message waits for its way or its receipt."""
        return any(lane.waiting for lane in self._lanes.values())

    @property
    def deadline(self) -> float | None:
        """When `timer` wants to be called."""
        return min((lane.deadline for lane in self._lanes.values() if lane.deadline is not None), default=None)

    def version_held(self, gid: int) -> int | None:
        """Return the version whose key the device is known to hold."""
        lane = self._lanes.get(gid)
        return lane.held.version if lane is not None and lane.held is not None else None

    def pump(self, now: float, proved: bool) -> bool:
        """Send, over an open link and on top of a usable chain, what can be sent.

        `proved`: the device has its memory. Return whether that is all that a frame waits for.
        """
        idle = [lane for lane in self._lanes.values() if lane.waiting and lane.offer is None and lane.sent is None]
        due = [lane for lane in idle if self._has_key(lane)]
        for lane in due if proved else ():
            if lane.first_sent is None:
                lane.first_sent, lane.first_in = now, self._memory.session
            lane.sent = now
            self._wire.transmit(lane.waiting[0].frame)
        return due != [] and not proved

    def _has_key(self, lane: Lane) -> bool:
        """Tell whether the device holds a key that reaches the first that waits; else that is put on its way."""
        first = lane.waiting[0]
        reaches = lane.held is not None and lane.held.reaches(first.place)
        if not reaches:
            self._offer(lane, first.key)
        return reaches

    def _offer(self, lane: Lane, key: GroupKey) -> None:
        message = Outgoing(INTERNAL, MessageType.GROUP_KEY, key.encode(), volatile=True)
        lane.offer = key, message
        self._memory.state.queue.append(message)

    # --- from above

    def send(self, message: GroupMessage) -> None:
        """Put a message at the end; the oldest one is given up when too many wait."""
        lane = self._lanes.setdefault(message.place.gid, Lane())
        lane.waiting.append(message)
        if len(lane.waiting) > limits.GROUP_SKIP_MAX:
            self._settle(lane)

    def answer(self, key: GroupKey) -> None:
        """Answer a GROUP_SYNC with the present key, unless a message that waits brings its own."""
        lane = self._lanes.setdefault(key.place.gid, Lane())
        if not lane.waiting and lane.offer is None:
            self._offer(lane, key)

    def leave(self, gid: int) -> None:
        """The device is not in the group any more."""
        lane = self._lanes.pop(gid, None)
        if lane is not None:
            self._end(lane)

    # --- from the messages

    def timer(self, now: float) -> bool:
        """Miss the receipts that did not come; after too many of them, the message is given up.

        Return whether the device may have a receipt that it cannot send: its chain is frozen, and a new epoch would show it.
        """
        missed = [lane for lane in self._lanes.values() if lane.deadline is not None and now >= lane.deadline]
        for lane in missed:
            lane.sent = None
            lane.silences += 1
            self._give_up(lane)
        return any(lane.silences and lane.silences % limits.GROUP_SILENCES_DOUBTFUL == 0 for lane in missed)

    def _give_up(self, lane: Lane) -> None:
        if lane.silences >= limits.GROUP_SILENCES_MAX:
            lane.held = None
            self._settle(lane)

    def delay(self, seconds: float) -> None:
        """Shift the deadlines: a write held the frames back."""
        for lane in self._lanes.values():
            if lane.sent is not None:
                lane.sent += seconds

    def link_closed(self) -> None:
        """What has no receipt goes out again over the next link, byte for byte."""
        for lane in self._lanes.values():
            lane.sent = None

    def delivered(self, message: Outgoing) -> None:
        """A message through the chain is acknowledged: if it was a GROUP_KEY of ours, the device holds that key."""
        for lane in self._lanes.values():
            if lane.offer is not None and lane.offer[1] is message:
                self._taken(lane, *lane.offer)
                self._outbox.put(GroupKeyed(lane.offer[0].place.gid, lane.offer[0].place.version))
                self._hold(lane, lane.offer[0].place)
                lane.offer = None
            elif lane.void is not None and lane.void[1] is message:
                self._taken(lane, *lane.void)
                lane.void = None

    def _hold(self, lane: Lane, place: Place) -> None:
        lane.held, lane.held_in = place, self._memory.session

    def _taken(self, lane: Lane, key: GroupKey, message: Outgoing) -> None:
        """Whoever asks for a key after this, in the same chains, has refused this one; a repeat of older ones may have been dropped."""
        session = self._memory.session
        lane.taken = (session, key.place) if session is not None and (message.id or 0) >> 32 == session.epoch else None

    def heard(self, incoming: Incoming, now: float) -> None:
        """Take what the device says of its groups; anything else, and what is malformed, is not for us."""
        if incoming.type == MessageType.INFO:
            for place in receipts(incoming.body):
                self._receipt(place, now)
        elif incoming.type == MessageType.GROUP_SYNC:
            self._synced(incoming.body)

    def _receipt(self, place: Place, now: float) -> None:
        lane = self._lanes.get(place.gid)
        if lane is not None and lane.first_sent is not None and lane.waiting[0].place == place:
            self._hold(lane, Place(place.gid, place.version, place.n + 1))
            self._settle(lane, delivered_at=now)

    def _synced(self, body: bytes) -> None:
        """The device has not got the key: what was sent to it may have arrived before it lost that, so it is not sent again.

        If it has refused the key it can read nothing up to that place either.
        """
        try:
            gid, version = decode_sync(body)
        except MalformedError:
            return
        lane = self._lanes.get(gid, Lane())
        refused = lane.taken[1] if lane.taken is not None and lane.taken[0] is self._memory.session else None
        if refused is None:
            self._forget_keys()
        self._lack(lane, refused)
        self._outbox.put(GroupSynced(gid, version, refused is not None))

    def _lack(self, lane: Lane, refused: Place | None) -> None:
        """Give up what a device without this key can not read, or may have read already."""
        lane.held = lane.taken = None
        self._withdraw(lane)
        if lane.first_sent is not None:
            self._settle(lane)
        while refused is not None and lane.waiting and lane.waiting[0].place.reaches(refused):
            self._settle(lane)

    def _forget_keys(self) -> None:
        """The device has lost its memory: it holds no key that it has not confirmed since, and will ask for each.

        What was sent before may have arrived: with a key for that place the device would accept it again.
        """
        for lane in self._lanes.values():
            if lane.held_in is not self._memory.session:
                lane.held = None
            if lane.first_sent is not None and lane.first_in is not self._memory.session:
                self._settle(lane)

    def _withdraw(self, lane: Lane) -> None:
        """Whoever acknowledges the GROUP_KEY under way may have taken it before it lost its memory: that says nothing any more."""
        offer, lane.offer = lane.offer, None
        if offer is not None and self._is_outstanding(offer[1]):
            lane.void = offer
        elif offer is not None:
            self._memory.state.queue = [message for message in self._memory.state.queue if message is not offer[1]]

    def _settle(self, lane: Lane, delivered_at: float | None = None) -> None:
        """Tell what became of the first that waits."""
        place, first_sent = lane.waiting.popleft().place, lane.first_sent
        seconds = 0.0 if delivered_at is None or first_sent is None else delivered_at - first_sent
        lane.restart()
        self._outbox.put(GroupSettled(place.gid, place.version, place.n, delivered_at is not None, seconds))

    # --- ends

    def clear(self) -> None:
        """The pairing is replaced, or ends: nothing of its groups goes on under another key."""
        for lane in self._lanes.values():
            self._end(lane)
        self._lanes.clear()

    def _end(self, lane: Lane) -> None:
        while lane.waiting:
            self._settle(lane)
        self._withdraw(lane)

    def _is_outstanding(self, message: Outgoing) -> bool:
        """Tell whether a chain has sent it: the slot keeps its message until it is acknowledged (protocol.md 6 rule 3)."""
        return any(session.sending.message is message for _, session in self._memory.newest_first())

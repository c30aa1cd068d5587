"""Messages with a paired device: the queue, the acknowledgements, the marks (protocol.md 6)."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from . import limits
from .calls import Calls
from .epochs import EpochChange
from .errors import RemoteError, UnexpectedError
from .events import CARRIED, EpochStarted, MessageDelayed, MessageDelivered, MessageReceived, MessageType
from .group_lane import Lanes
from .keys import RootKey
from .memory import Memory
from .packets import FrameType, Packet
from .session import INTERNAL, TO_INITIATOR, TO_RESPONDER, Incoming, Outgoing, Session
from .snapshot import Pairing
from .statistics import Statistics
from .tables import COMMUNICATION, SenderState, handler_of
from .wire import Means

_MESSAGES: Final = frozenset({MessageType.READINGS, MessageType.TEXT, MessageType.BYTES, MessageType.EVENT, MessageType.INFO})
_DELIVERED: Final = _MESSAGES | CARRIED
_ACTED_ON: Final = frozenset(
    {MessageType.TEXT, MessageType.BYTES, MessageType.EVENT}
)  # the mark is written first; a reading that comes twice does no harm


_LOST_MEMORY: Final = 3  # beacon states, protocol.md 3
_DATA_WAITING: Final = 2


class Hold(Enum):
    """What a negotiation with the same device holds back of what the hub would start."""

    NOTHING = auto()
    RESUMES = auto()  # the user compares the code (protocol.md 5 rule 7)
    ALL = auto()  # the link is about to be given up for the broadcast


class Messaging:
    """Everything between hub and device once they share a key, but for the change of epochs."""

    def __init__(self, memory: Memory, epochs: EpochChange, means: Means, w: int, hold: Callable[[], Hold]) -> None:
        """Serve the queue in `memory`; `w` = messages of an epoch, W; `hold` tells what a negotiation holds back."""
        self.memory, self.epochs = memory, epochs
        self.groups = Lanes(memory, means)
        self._entropy, self._outbox, self._wire = means.entropy, means.outbox, means.wire
        self.w, self._hold = w, hold
        self.statistics, self.calls = Statistics(), Calls()
        self.proved = False  # the device has shown on this link, since the last resume, that it has the chains
        self._relayed = False  # the link runs through a relay: what is too long for it waits for another one

    # --- what is to be done

    @property
    def wants_link(self) -> bool:
        """Tell whether there is something to do that needs a link."""
        resume = self.epochs.wants_link and self._hold() is Hold.NOTHING
        waiting = self.groups.wants_link or any(not message.is_greeting for message in self.memory.state.queue)
        return self.calls.asked or resume or (waiting and not self.epochs.needed)

    @property
    def waits_for_direct_link(self) -> bool:
        """Tell whether a relay could do nothing for it: all that waits stands behind a message that is too long."""
        urgent = self.calls.asked or self.epochs.needed or self.epochs.asked or self.groups.wants_link
        return not urgent and any(message.is_long for message in self.memory.state.queue[:1])

    @property
    def deadline(self) -> float | None:
        """When `timer` wants to be called; without a link no answer is timed."""
        session = self.memory.session
        answers = (session.sending.deadline, self.groups.deadline) if session and self._wire.is_open and not self.epochs.running else ()
        return min((time for time in (self.epochs.deadline, self.calls.deadline, *answers) if time is not None), default=None)

    def pump(self, now: float) -> None:
        """Start what can be started: a resume, or the next message."""
        hold, session = self._hold(), self.memory.session
        if not self._wire.is_open or hold is Hold.ALL or self.epochs.waiting:
            return
        held = session is not None and self._held(session.sending.message)
        if hold is Hold.NOTHING and self.epochs.due(self.w, now, held):
            self.epochs.challenge(now)
        elif session and not self.epochs.overdue:
            self._go_on(session, now)

    def _go_on(self, session: Session, now: float) -> None:
        if self.groups.pump(now, self.proved):
            self._greet()
        if session.sending.state is SenderState.IDLE and self.memory.state.queue and not self._held(self.memory.state.queue[0]):
            self._begin(session, self.memory.state.queue[0], now)

    # --- the link

    def beacon_seen(self, state: int, now: float) -> None:
        """Take what the beacon says; with several hubs it may be meant for another one (protocol.md 9)."""
        lost = state == _LOST_MEMORY
        self.calls.heard(state == _DATA_WAITING or (lost and self.epochs.is_doubtful))
        self.epochs.beacon_seen(lost)
        self.timer(now)

    def link_opened(self, now: float, relayed: bool) -> None:
        """Go on where the last connection ended (protocol.md 6 rule 4), as far as a link that is `relayed` can take it."""
        self._relayed, self.proved = relayed, False
        self.calls.link_opened(now)
        self.epochs.link_opened()
        session = self.memory.session
        if session and session.sending.state is SenderState.OUTSTANDING and not self.epochs.overdue:
            self._repeat(session, now)
        self.pump(now)

    def link_closed(self, now: float) -> None:
        """The resume's memory dies, and what was never sent of its paths; the chains stay."""
        self.calls.link_closed(now)
        self.groups.link_closed()
        self.epochs.link_closed()
        self.withdraw_paths()
        self.memory.save_if_changed()

    def withdraw_paths(self) -> None:
        """A path ends with its connection: what was never sent of it does not wait for the next one."""
        self.memory.withdraw(CARRIED)

    def timer(self, now: float) -> None:
        """Act on deadlines."""
        self.epochs.timer(now)
        self.calls.timer(now)
        session = self.memory.session
        deadline = session.sending.deadline if session and self._wire.is_open and not self.epochs.running else None
        if session and deadline is not None and now >= deadline:
            self.epochs.unanswered()
            self._repeat(session, now)
        if session and self._wire.is_open and not self.epochs.running:
            self.epochs.asked |= self.groups.timer(now)
        if self.calls.greeting_due(now):
            self._greet()
        self.pump(now)

    def _greet(self) -> None:
        """Say who is there, and let the device answer, by an INFO without a word, unless something else does.

        What waits for another link says nothing here: the greeting goes before it, or, where it has its id, the ids being in order, a resume.
        """
        self.calls.spoke()
        if self.memory.session is None:
            return
        queue = self.memory.state.queue
        if not queue or (self._held(queue[0]) and queue[0].id is None):
            queue.insert(0, Outgoing(INTERNAL, MessageType.INFO, b"", volatile=True))
        elif self._held(queue[0]):
            self.epochs.asked = True

    def delay(self, seconds: float) -> None:
        """Shift the deadlines of answers: a write held the frames back."""
        self.epochs.delay(seconds)
        if self.memory.session is not None:
            self.memory.session.sending.delay(seconds)
        self.groups.delay(seconds)

    # --- sending

    def enqueue(self, message: Outgoing, now: float) -> None:
        """Put a message at the end of the queue; it is on disk before it goes out."""
        self.memory.state.queue.append(message)
        self.memory.changed(message)
        self.pump(now)
        self.memory.save_if_changed()

    def dismiss(self, message: Outgoing, now: float) -> None:
        """Let `message` be the only one, and the first one of the next epoch."""
        self.groups.clear()
        self.memory.state.queue.clear()
        self.epochs.asked = True
        self.enqueue(message, now)

    def _begin(self, session: Session, message: Outgoing, now: float) -> None:
        if message.id is None:
            message.id = session.next_id()
            self.memory.changed(message)
        self.memory.save_if_changed()
        self.statistics.sent += 1
        self._attempted(session.sending.begin(message, self._entropy(session.suite.data_entropy), now))

    def _attempted(self, frame: bytes) -> None:
        self.statistics.attempts += 1
        self._wire.transmit(frame)

    def _held(self, message: Outgoing | None) -> bool:
        return self._relayed and message is not None and message.is_long

    def _repeat(self, session: Session, now: float) -> None:
        if self._held(session.sending.message):
            session.sending.deadline = now + limits.RTO_MAX
        else:
            self._retry(session, now)

    def _retry(self, session: Session, now: float) -> None:
        message = session.sending.message
        frame = session.sending.retry(self._entropy(session.suite.data_entropy), now)
        if frame is not None:
            self._attempted(frame)
        elif message is not None and message.handle != INTERNAL:
            self._outbox.put(MessageDelayed(message.handle, message.attempts))

    # --- receiving

    def handle(self, frame: Packet, now: float) -> None:
        """Take DATA, DACK, R1 or R3; RemoteError if nothing changed."""
        if frame.type in (FrameType.DATA, FrameType.DACK):
            self._communicate(frame, now)
        else:
            self.epochs.handle(frame, now)
            self.proved = False
        self.calls.spoke()
        self.pump(now)

    def _communicate(self, frame: Packet, now: float) -> None:
        failure: RemoteError = UnexpectedError(f"{frame.type.name} without a chain")
        for pairing, session in self.memory.newest_first():
            try:
                getattr(self, handler_of(COMMUNICATION, session.sending.state, frame.type))(pairing, session, frame, now)
            except RemoteError as error:
                failure = error
            else:
                return
        raise failure

    def on_data(self, pairing: Pairing, session: Session, frame: Packet, now: float) -> None:
        """DATA: acknowledge, and deliver what is new."""
        incoming, dack = session.on_data(frame, self._entropy(session.suite.dack_entropy))
        if incoming is not None:
            self.proved = True
            self.memory.keep_round(pairing, session, TO_RESPONDER)
        fresh = incoming if incoming is not None and incoming.id > pairing.mark else None
        if fresh is not None:
            pairing.mark = fresh.id
            if fresh.type in _ACTED_ON:
                self.memory.changed()
        self._commit(pairing)
        self.memory.save_if_changed()
        self._deliver(fresh, now)
        self._wire.transmit(dack)

    def _deliver(self, incoming: Incoming | None, now: float) -> None:
        if incoming is None:
            self.statistics.duplicates += 1
            return
        self.calls.met()
        self.statistics.received += 1
        if incoming.type in _DELIVERED:
            self._outbox.put(MessageReceived(incoming.type, incoming.id, incoming.body))
        self.groups.heard(incoming, now)

    def on_dack(self, pairing: Pairing, session: Session, frame: Packet, now: float) -> None:
        """DACK: the outstanding message is delivered, and its body leaves the disk."""
        message = session.on_dack(frame, now)
        self.proved = True
        self.calls.answered(now)
        self.memory.keep_round(pairing, session, TO_INITIATOR)
        self.memory.state.queue = [other for other in self.memory.state.queue if other is not message]
        self.memory.changed(message)
        self.statistics.delivered += 1
        self.groups.delivered(message)
        self._commit(pairing)
        if message.handle != INTERNAL:
            self._outbox.put(MessageDelivered(message.handle, message.id or 0, message.attempts, now - message.first_sent))
        self.pump(now)  # the next message takes this change along in its own write
        self.memory.save_if_changed()

    # --- pairings

    def adopt(self, pairing: Pairing, root: RootKey, verified: Outgoing, now: float) -> None:
        """Take a negotiated key into use beside the old ones; `verified` heads the queue (protocol.md 5 rule 7).

        Ids belong to a pairing, so what may have arrived under the old one is not sent again: at most once.
        """
        self.groups.clear()
        state = self.memory.state
        state.pairings.insert(0, pairing)
        old = self.memory.session
        sent = [message for message in state.queue if message.id is not None]
        verified.id = self.memory.start(pairing, root, 0, now).next_id()
        state.queue = [verified, *(message for message in state.queue if message.id is None)]
        self.epochs.superseded()
        self.memory.save()
        for message in sent:
            if old is None or old.sending.message is not message:  # that one's DACK may still come
                self.memory.abandon(message)
        self._outbox.put(EpochStarted(0, resumed=False))

    def _commit(self, pairing: Pairing) -> None:
        if not pairing.committed:
            self.memory.commit(pairing)
            self.memory.save()

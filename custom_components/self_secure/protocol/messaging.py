"""Messages with a paired device: the queue, the sessions, the marks, the change of epochs (protocol.md 6 and 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import limits, snapshot
from .errors import RemoteError, UnexpectedError
from .events import (
    CloneSuspected,
    EpochStarted,
    MessageAbandoned,
    MessageDelayed,
    MessageDelivered,
    MessageReceived,
    MessageType,
    Persist,
    ResumeFailed,
    StaleKeyHinted,
)
from .keys import RootKey
from .outbox import Outbox
from .packets import Frame, FrameType, Offer
from .resume import HeldKey, Live, Resumed, ResumeResponder
from .session import INTERNAL, Incoming, Outgoing, Session
from .snapshot import DeviceState, Pairing
from .suites import SUITES
from .tables import COMMUNICATION, RESUME, ResumeState, SenderState, handler_of

_DELIVERED: Final = frozenset({MessageType.READINGS, MessageType.TEXT, MessageType.BYTES, MessageType.EVENT, MessageType.INFO})
_ACTED_ON: Final = frozenset({MessageType.TEXT, MessageType.BYTES, MessageType.EVENT})  # the mark is written first


@dataclass(frozen=True, slots=True)
class Bounds:
    """Who the hub is, and how long an epoch and a message last."""

    hub_id: bytes  # id_R
    w: int  # messages of an epoch, W
    omega: int  # retransmissions, Ω


@dataclass(slots=True)
class Statistics:
    """Counters since this connection object was made."""

    sent: int = 0
    delivered: int = 0
    attempts: int = 0
    received: int = 0
    duplicates: int = 0
    dropped: int = 0
    resumes: int = 0
    resume_failures: int = 0


class Messaging:
    """Everything between hub and device once they share a key."""

    def __init__(
        self, state: DeviceState, bounds: Bounds, entropy: Callable[[int], bytes], outbox: Outbox, transmit: Callable[[bytes], None]
    ) -> None:
        """Start from what is on disk: there is no chain, the next contact resumes."""
        self.state, self._outbox, self._entropy, self._transmit = state, outbox, entropy, transmit
        self._w, self._omega = bounds.w, bounds.omega
        self._resume = ResumeResponder(bounds.hub_id, entropy)
        self._sessions: dict[int, Session] = {}
        self._active = state.pairings[0].number if state.pairings else 0
        self._resuming = False  # R0 has left: no DATA before a resume completed
        self._gave_up = False  # on this connection
        self.failures = 0
        self.statistics = Statistics()
        self.linked = self.held_back = False
        self.lost_memory = self.contact_asked = self.rotation_asked = False
        self._unsaved = False

    # --- what is to be done

    @property
    def session(self) -> Session | None:
        """The chains that messages go out on."""
        return self._sessions.get(self._active)

    @property
    def wants_link(self) -> bool:
        """Tell whether there is something to do that needs a link."""
        return bool(self.state.queue) or self.lost_memory or self.contact_asked or self.rotation_asked or self.session is None

    @property
    def deadline(self) -> float | None:
        """When `timer` wants to be called; without a link nothing is timed."""
        if not self.linked:
            return None
        sending = self.session.sending.deadline if self.session and not self._resuming else None
        return min((time for time in (self._resume.deadline, sending) if time is not None), default=None)

    def pump(self, now: float) -> None:
        """Start what can be started: a resume, or the next message."""
        if not self.linked or self.held_back or self._gave_up or self._resume.state is not ResumeState.IDLE:
            return
        session = self.session
        if session is None or self._resume_due(session, now):
            self._challenge(now)
        elif session.sending.state is SenderState.IDLE and self.state.queue:
            self._begin(session, self.state.queue[0], now)

    def _resume_due(self, session: Session, now: float) -> bool:
        if self._resuming or self.lost_memory or session.sending.state is SenderState.FROZEN:
            return True
        over = session.messages >= self._w or now - session.started >= limits.EPOCH_SECONDS or self.rotation_asked
        return (over and session.sending.message is None) or session.messages >= limits.EPOCH_MESSAGES_MAX

    # --- the link

    def link_opened(self, now: float) -> None:
        """Go on where the last connection ended (protocol.md 6 rule 4)."""
        self.linked, self.contact_asked, self._gave_up = True, False, False
        session = self.session
        if session and session.sending.state is SenderState.OUTSTANDING and not self._resume_due(session, now):
            self._retry(session, now)
        self.pump(now)

    def link_closed(self) -> None:
        """The resume's memory dies; the chains stay."""
        self.linked = False
        self._resume.reset()
        self.save_if_changed()

    def timer(self, now: float) -> bool:
        """Act on deadlines; return whether the link has become useless."""
        if not self.linked:
            return False
        session = self.session
        if self._resume.deadline is not None and now >= self._resume.deadline:
            return self._unanswered(now)
        if session and not self._resuming and session.sending.deadline is not None and now >= session.sending.deadline:
            self._retry(session, now)
            self.pump(now)
        return False

    def abort_resume(self) -> None:
        """OPEN of a negotiation ends a running resume (protocol.md 5 rule 7)."""
        self._resume.reset()

    # --- sending

    def enqueue(self, message: Outgoing, now: float) -> None:
        """Put a message at the end of the queue; it is on disk before it goes out."""
        self.state.queue.append(message)
        self._unsaved = True
        self.pump(now)
        self.save_if_changed()

    def _begin(self, session: Session, message: Outgoing, now: float) -> None:
        if message.id is None:
            message.id = session.next_id()
            self._unsaved = True
        self.save_if_changed()
        self.statistics.sent += 1
        self._attempted(session.sending.begin(message, self._entropy(limits.NONCE_SIZE), now))

    def _attempted(self, frame: bytes) -> None:
        self.statistics.attempts += 1
        self._transmit(frame)

    def _retry(self, session: Session, now: float) -> None:
        message = session.sending.message
        frame = session.sending.retry(self._entropy(limits.NONCE_SIZE), now)
        if frame is not None:
            self._attempted(frame)
        elif message is not None and message.handle != INTERNAL:
            self._outbox.put(MessageDelayed(message.handle, message.attempts))

    # --- receiving

    def handle(self, frame: Frame, now: float) -> bool:
        """Take DATA, DACK, R1 or R3; RemoteError if nothing changed. Returns whether the link has become useless."""
        if frame.type in (FrameType.DATA, FrameType.DACK):
            self._communicate(frame, now)
            return False
        useless: bool = getattr(self, handler_of(RESUME, self._resume.state, frame.type))(frame, now)
        return useless

    def _communicate(self, frame: Frame, now: float) -> None:
        """Try the newest chains first (protocol.md 5 rule 7)."""
        failure: RemoteError = UnexpectedError(f"{frame.type.name} without a chain")
        for number in sorted(self._sessions, reverse=True):
            session = self._sessions[number]
            try:
                getattr(self, handler_of(COMMUNICATION, session.sending.state, frame.type))(number, session, frame, now)
            except RemoteError as error:
                failure = error
            else:
                return
        raise failure

    def on_data(self, number: int, session: Session, frame: Frame, now: float) -> None:
        """DATA: acknowledge, and deliver what is new."""
        incoming, dack = session.on_data(frame, self._entropy(limits.NONCE_SIZE))
        pairing = self.state.pairing(number)
        fresh = incoming is not None and incoming.id > pairing.mark
        if incoming is not None and fresh:
            pairing.mark = incoming.id
            self._unsaved |= incoming.type in _ACTED_ON
        self._commit(pairing)
        if incoming is not None and fresh and incoming.type in _ACTED_ON:
            self.save_if_changed()
        self._deliver(incoming if fresh else None)
        self._transmit(dack)
        self.pump(now)

    def _deliver(self, incoming: Incoming | None) -> None:
        if incoming is None:
            self.statistics.duplicates += 1
            return
        self.statistics.received += 1
        if incoming.type in _DELIVERED:
            self._outbox.put(MessageReceived(incoming.type, incoming.id, incoming.body))

    def on_dack(self, number: int, session: Session, frame: Frame, now: float) -> None:
        """DACK: the outstanding message is delivered."""
        message = session.on_dack(frame, now)
        self.state.queue = [other for other in self.state.queue if other is not message]
        self._unsaved = True
        self.statistics.delivered += 1
        self._commit(self.state.pairing(number))
        if message.handle != INTERNAL:
            self._outbox.put(MessageDelivered(message.handle, message.id or 0, message.attempts, now - message.first_sent))
        self.pump(now)

    # --- pairings

    def adopt(self, pairing: Pairing, root: RootKey, verified: Outgoing, now: float) -> None:
        """Take a negotiated key into use beside the old ones; `verified` heads the queue (protocol.md 5 rule 7)."""
        old = self.session
        sent = old.sending.message if old else None
        session = Session(SUITES[pairing.record.suite], root, 0, self._omega, now)
        self.state.pairings.insert(0, pairing)
        verified.id = session.next_id()
        self.state.queue = [verified, *(message for message in self.state.queue if message is not sent)]
        for message in self.state.queue[1:]:
            message.id = None
        self._sessions[pairing.number], self._active = session, pairing.number
        self._resume.reset()
        self._resuming = self.lost_memory = False
        self.save()
        self._outbox.put(EpochStarted(0, resumed=False))

    def _commit(self, pairing: Pairing) -> None:
        """The device has used this key: all older ones go (protocol.md 5 rule 7)."""
        if not pairing.committed:
            self._drop_older(pairing)
            self.save()

    def _drop_older(self, pairing: Pairing) -> None:
        for number in [number for number in self._sessions if number < pairing.number]:
            message = self._sessions.pop(number).sending.message
            if message is not None and message.handle != INTERNAL:
                self._outbox.put(MessageAbandoned(message.handle))
        self.state.drop_older(pairing.number)
        pairing.committed = True

    # --- the change of epochs

    def _challenge(self, now: float) -> None:
        self._resuming = True
        self._transmit(self._resume.challenge(now))

    def _unanswered(self, now: float) -> bool:
        if self._resume.challenges < limits.R0_PER_CONNECTION:
            self._challenge(now)
            return False
        self._fail_resume("unanswered")
        return True

    def _fail_resume(self, reason: str) -> None:
        self._resume.reset()
        self._gave_up = True
        self.failures += 1
        self.statistics.resume_failures += 1
        self._outbox.put(ResumeFailed(self.failures, reason))

    def on_offer(self, frame: Frame, now: float) -> bool:
        """R1: write {SK_e*, SK_e'}, then answer R2; without a common epoch answer RNAK and erase nothing."""
        held = self.state.held()
        answer = self._resume.on_offer(frame, held, self._live_of, now)
        if answer is None:
            self._hint(frame)
            self._transmit(self._resume.refusal(frame))
            self._fail_resume("no_common_epoch")
            return True
        pairing = self.state.pairing(answer.base.pairing)
        pairing.keys[answer.epoch] = answer.root.store()
        self.state.keep_epochs(pairing, (answer.base.epoch, answer.epoch))
        self._drop_older(pairing)
        self.save()
        self._transmit(answer.frame)
        if answer.clone:
            self._outbox.put(CloneSuspected())
        return False

    def _hint(self, frame: Frame) -> None:
        known = {key.key.kid for key in self.state.held()}
        kids = {entry.kid for entry in Offer.decode(frame).entries}
        if not kids & known and kids & set(self.state.kids):
            self._outbox.put(StaleKeyHinted())

    def _live_of(self, key: HeldKey) -> Live:
        session = self._sessions.get(key.pairing)
        if session is None or session.epoch != key.epoch:
            return Live()
        return Live(*session.live())

    def on_repeated_offer(self, frame: Frame, _now: float) -> bool:
        """An identical R1 gets the stored R2."""
        self._transmit(self._resume.on_repeated_offer(frame))
        return False

    def on_finish(self, frame: Frame, now: float) -> bool:
        """R3: write {SK_e'}, then start the new chains."""
        answer = self._resume.on_finish(frame)
        pairing = self.state.pairing(answer.base.pairing)
        self.state.keep_epochs(pairing, (answer.epoch,))
        self._start(pairing, answer, now)
        self.save()
        self._outbox.put(EpochStarted(answer.epoch, resumed=True))
        self.pump(now)
        return False

    def _start(self, pairing: Pairing, answer: Resumed, now: float) -> None:
        old = self._sessions.pop(pairing.number, None)
        session = Session(SUITES[pairing.record.suite], answer.root, answer.epoch, self._omega, now)
        if old is not None:
            session.sending.round_trip = old.sending.round_trip
        self._sessions = {number: other for number, other in self._sessions.items() if number >= pairing.number}
        self._sessions[pairing.number], self._active = session, pairing.number
        self._resuming = self.lost_memory = self.rotation_asked = False
        self.failures = 0
        self.statistics.resumes += 1

    # --- out

    def save(self) -> None:
        """Put the present state in front of all that follows."""
        self._unsaved = False
        self._outbox.put(Persist(snapshot.encode(self.state)))

    def save_if_changed(self) -> None:
        """As `save`, if anything has changed since."""
        if self._unsaved:
            self.save()

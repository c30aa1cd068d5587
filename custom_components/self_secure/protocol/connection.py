"""One device as the hub sees it: bytes, time and entropy in; events out (architecture.md).

Every input may leave events; whoever drives it drains `events` after each one, makes a `Persist` durable, answers
`persisted`, and drains again. Inputs of one connection are strictly serial.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from . import framing, limits, snapshot
from .collection import StopRule
from .errors import (
    Cause,
    LocalError,
    MessageTooLargeError,
    NegotiationError,
    NotPairedError,
    QueueFullError,
    RemoteError,
    StoppedError,
    UnexpectedError,
)
from .events import (
    CodeReady,
    Event,
    FrameDropped,
    LinkUnneeded,
    MessageType,
    PairingCompleted,
    PairingFailed,
    PairingRecord,
    PairingRequested,
    StoreFailed,
    Transmit,
    Verdict,
)
from .messaging import Bounds, Messaging, Statistics
from .negotiation import Negotiation
from .outbox import Outbox
from .packets import Frame, FrameType, Request, peek_type
from .session import INTERNAL, Outgoing
from .snapshot import DeviceState, Pairing
from .suites import HYBRID
from .tables import NegotiationState
from .terms import HumanCheckSlot, Outcome, Terms, nak_frame

_NEGOTIATION: Final = frozenset({FrameType.REQ, FrameType.TAGS, FrameType.ACK, FrameType.OPEN})
_MESSAGING: Final = frozenset({FrameType.DATA, FrameType.DACK, FrameType.R1, FrameType.R3})
_LOST_MEMORY: Final = 3  # beacon states, protocol.md 3
_DATA_WAITING: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The hub's options (protocol.md 4, defaults)."""

    hub_id: bytes
    floor: int = HYBRID.id
    minimum: int = limits.DEFAULT_MINIMUM
    target_bits: int = limits.DEFAULT_TARGET_BITS
    assumed_loss: int = limits.DEFAULT_ASSUMED_LOSS
    n_max: int = limits.DEFAULT_N_MAX
    w: int = limits.DEFAULT_W
    omega: int = limits.DEFAULT_OMEGA
    human_check: HumanCheckSlot = field(default_factory=HumanCheckSlot)

    def __post_init__(self) -> None:
        """LocalError outside the bounds of protocol.md 4."""
        fits = (
            len(self.hub_id) == limits.IDENTITY_SIZE
            and limits.PACKETS_FLOOR <= self.minimum <= self.n_max <= limits.N_MAX_LIMIT
            and limits.ASSUMED_LOSS_MIN <= self.assumed_loss <= limits.ASSUMED_LOSS_MAX
            and 0 <= self.target_bits <= limits.U16_MAX
            and 1 <= self.w <= limits.DEFAULT_W
            and 0 <= self.omega < limits.U8_MAX
        )
        if not fits:
            raise LocalError("a setting is outside its bounds")


class Connection:
    """Sans-I/O responder for one device; `now` is in seconds, monotonic."""

    def __init__(self, settings: Settings, entropy: Callable[[int], bytes], stored: Mapping[str, Any] | None = None) -> None:
        """Start from a stored snapshot, or with nothing; SnapshotError, SnapshotVersionError if it cannot be used."""
        self._settings, self._entropy = settings, entropy
        self._outbox = Outbox()
        self._reassembler = framing.Reassembler()
        self._payload: int | None = None  # MTU - 3 of an open link
        self._negotiation: Negotiation | None = None
        self._messaging: Messaging | None = None
        self._farewell: tuple[bytes, float] | None = None  # NAK to deliver, until when
        self._adopting = self._stopped = False
        self._handle = INTERNAL
        self._dropped = 0
        if stored is not None:
            state = snapshot.decode(stored)
            self._handle = len(state.queue)
            self._messaging = self._messaging_of(state)

    def _messaging_of(self, state: DeviceState) -> Messaging:
        bounds = Bounds(self._settings.hub_id, self._settings.w, self._settings.omega)
        return Messaging(state, bounds, self._entropy, self._outbox, self._transmit)

    # --- outputs

    def events(self) -> list[Event]:
        """Return what is to be done now, in order; a `Persist` is always the last."""
        return self._outbox.drain()

    @property
    def next_deadline(self) -> float | None:
        """When `timer` wants to be called."""
        deadlines = [
            self._negotiation.deadline if self._negotiation else None,
            self._messaging.deadline if self._messaging else None,
            self._farewell[1] if self._farewell else None,
        ]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    @property
    def wants_link(self) -> bool:
        """Tell whether something is to be done that needs a link."""
        if self._stopped:
            return False
        if self._negotiation and self._negotiation.state is not NegotiationState.COMPARING:
            return self._negotiation.wants_link
        return self._farewell is not None or (self._messaging is not None and self._messaging.wants_link)

    @property
    def collecting(self) -> bool:
        """Tell whether random packets are wanted."""
        return self._negotiation is not None and self._negotiation.state is NegotiationState.COLLECTING

    @property
    def pairing(self) -> bool:
        """Tell whether a negotiation is running."""
        return self._negotiation is not None

    @property
    def paired(self) -> bool:
        """Tell whether there is a key."""
        return self._messaging is not None

    @property
    def identity(self) -> bytes | None:
        """Identity of the device, when it is known."""
        if self._messaging:
            return self._messaging.state.identity
        return self._negotiation.identity if self._negotiation else None

    @property
    def epoch(self) -> int | None:
        """Epoch of the present chains; None when the next contact has to resume."""
        session = self._messaging.session if self._messaging else None
        return session.epoch if session else None

    @property
    def record(self) -> PairingRecord | None:
        """How the newest key came about."""
        return self._messaging.state.pairings[0].record if self._messaging else None

    @property
    def queued(self) -> int:
        """Number of messages that wait."""
        return len(self._messaging.state.queue) if self._messaging else 0

    @property
    def statistics(self) -> Statistics:
        """Return a copy of the counters."""
        counters = self._messaging.statistics if self._messaging else Statistics()
        return replace(counters, dropped=self._dropped + self._reassembler.discarded)

    # --- the user

    def open_pairing(self, now: float) -> None:
        """Open the window: the user wants a key with this device. LocalError if a negotiation is running."""
        if self._negotiation is not None:
            raise LocalError("a negotiation is running")
        rule = StopRule(self._settings.minimum, self._settings.target_bits, self._settings.assumed_loss, self._settings.n_max)
        identity = self._messaging.state.identity if self._messaging else None
        terms = Terms(
            hub_id=self._settings.hub_id,
            floor=self._settings.floor,
            rule=rule,
            human_check=self._settings.human_check,
            expected_identity=identity,
        )
        self._farewell = None
        self._negotiation = Negotiation(terms, self._entropy, now)
        if self._payload is not None:
            self._negotiation.link_opened(now)

    def cancel_pairing(self, now: float) -> None:
        """The user does not want it any more; the device is told if it can be reached."""
        if self._negotiation is not None:
            self._fail(Cause.CANCELLED, now)

    def answer(self, verdict: Verdict, now: float) -> None:
        """The user's answer to `CodeReady`; LocalError without one."""
        negotiation = self._negotiation
        if negotiation is None or negotiation.state is not NegotiationState.COMPARING or negotiation.outcome is None:
            raise LocalError("there is no code to answer")
        if verdict is Verdict.DIFFERENT:
            self._fail(Cause.DIFFERENT_CODE, now)
        else:
            self._adopt(negotiation.outcome, verdict is Verdict.SAME, now)

    def send(self, message_type: int, body: bytes, now: float) -> int:
        """Queue a message; return its handle. LocalError of the fitting kind if it cannot be accepted."""
        if self._stopped:
            raise StoppedError("stopping")
        if self._messaging is None:
            raise NotPairedError("no key with this device")
        if len(body) > limits.BODY_MAX:
            raise MessageTooLargeError(f"at most {limits.BODY_MAX} bytes")
        if len(self._messaging.state.queue) >= limits.QUEUE_MAX:
            raise QueueFullError(f"{limits.QUEUE_MAX} messages are waiting")
        self._handle += 1
        self._messaging.enqueue(Outgoing(self._handle, message_type, body), now)
        return self._handle

    def rotate(self, now: float) -> None:
        """Ask for a new epoch at the next opportunity."""
        if self._messaging is None:
            raise NotPairedError("no key with this device")
        self._messaging.rotation_asked = True
        self._messaging.pump(now)

    def stop(self, now: float) -> None:
        """Home Assistant is stopping: no state may change any more."""
        if self._negotiation is not None:
            self._fail(Cause.CANCELLED, now)
        self._stopped = True

    # --- the radio

    def beacon_seen(self, state: int, now: float) -> None:
        """Take the state nibble of a beacon (unauthenticated: it can only cause a contact)."""
        if self._messaging is None or self._payload is not None:
            return
        self._messaging.lost_memory |= state == _LOST_MEMORY
        self._messaging.contact_asked |= state == _DATA_WAITING
        self.timer(now)

    def random_packet(self, scanner: str, sid: int, seq: int, value: bytes, now: float) -> None:
        """Take one random packet as one scanner heard it."""
        negotiation = self._negotiation
        if negotiation is None or not self.collecting:
            return
        try:
            changed = negotiation.random_packet(scanner, (sid, seq, value), now)
        except RemoteError as error:
            self._drop(FrameType.RAND, error)
        except NegotiationError as error:
            self._fail(error.cause, now)
        else:
            self._outbox.put(*([negotiation.progress(now)] if changed else []))

    def link_opened(self, payload: int, now: float) -> None:
        """The link is open and subscribed; `payload` = MTU - 3."""
        self._payload = payload
        self._reassembler.reset()
        if self._farewell is not None:
            self._transmit(self._farewell[0])
            self._farewell = None
        if self._negotiation is not None:
            last = self._negotiation.link_opened(now)
            if last is not None:
                self._transmit(last)
            self._release_link()
        if self._messaging is not None:
            self._hold_back()
            self._messaging.link_opened(now)

    def link_closed(self, now: float) -> None:
        """The link is gone; chains and a negotiation stay."""
        self._payload = None
        self._reassembler.reset()
        if self._negotiation is not None:
            self._negotiation.link_closed(now)
        if self._messaging is not None:
            self._messaging.link_closed()

    def receive(self, data: bytes, now: float) -> None:
        """Take one fragment; whatever does not fit is dropped, counted, and changes nothing."""
        frame = self._reassembler.feed(data)
        if frame is None or self._stopped:
            return
        try:
            self._dispatch(Frame.decode(frame), now)
        except RemoteError as error:
            self._drop(peek_type(frame), error)
        except NegotiationError as error:
            self._fail(error.cause, now)

    def timer(self, now: float) -> None:
        """Act on every deadline that has come."""
        if self._farewell is not None and now >= self._farewell[1]:
            self._farewell = None
        if self._negotiation is not None:
            try:
                self._negotiation.timer(now)
            except NegotiationError as error:
                self._fail(error.cause, now)
        if self._messaging is not None and not self._stopped and self._messaging.timer(now):
            self._link_unneeded()

    # --- the disk

    def persisted(self, now: float) -> None:
        """The last `Persist` is durable."""
        self._outbox.written()
        self._adopting = False
        self.timer(now)

    def persist_failed(self, _now: float) -> None:
        """The last `Persist` could not be written: this connection must be thrown away."""
        self._outbox.discard()
        self._stopped = True
        if self._adopting:
            self._outbox.put(PairingFailed(Cause.NOT_STORED, suspicious=False))
        self._outbox.put(StoreFailed())

    # --- inside

    def _dispatch(self, frame: Frame, now: float) -> None:
        if frame.type in _MESSAGING and self._messaging is not None:
            if self._messaging.handle(frame, now):
                self._link_unneeded()
        elif frame.type in _NEGOTIATION and self._negotiation is not None:
            self._negotiate(self._negotiation, frame, now)
        elif frame.type is FrameType.REQ:
            self._outbox.put(PairingRequested(Request.decode(frame).id_i))
        else:
            raise UnexpectedError(f"{frame.type.name} is not expected")

    def _negotiate(self, negotiation: Negotiation, frame: Frame, now: float) -> None:
        if frame.type is FrameType.REQ and self._messaging and len(self._messaging.state.held()) >= limits.KEYS_MAX:
            raise NegotiationError(Cause.BUSY)
        answer = negotiation.handle(frame, now)
        if answer is not None:
            self._transmit(answer)
        self._hold_back()
        self._release_link()
        if frame.type is FrameType.OPEN and negotiation.outcome is not None:
            self._opened(negotiation, negotiation.outcome, now)

    def _opened(self, negotiation: Negotiation, outcome: Outcome, now: float) -> None:
        if self._messaging is not None:
            self._messaging.abort_resume()
        if negotiation.state is NegotiationState.DONE:
            self._adopt(outcome, False, now)  # no code is shown, so nothing was compared
        else:
            self._outbox.put(CodeReady(outcome.identity, outcome.code), LinkUnneeded())

    def _adopt(self, outcome: Outcome, verified: bool, now: float) -> None:  # goes into the record
        record = replace(outcome.record, verified=verified)
        state = self._messaging.state if self._messaging else DeviceState(outcome.identity)
        number = 1 + max((pairing.number for pairing in state.pairings), default=0)
        pairing = Pairing(number, record, keys={0: outcome.root.store()})
        self._adopting = True
        self._end_negotiation(NegotiationState.DONE)
        self._messaging = messaging = self._messaging or self._messaging_of(state)
        messaging.linked = self._payload is not None
        messaging.adopt(pairing, outcome.root, Outgoing(INTERNAL, MessageType.VERIFIED, bytes([verified])), now)
        self._outbox.put(PairingCompleted(outcome.identity, record))
        messaging.pump(now)

    def _fail(self, cause: Cause, now: float) -> None:
        negotiation = self._negotiation
        if negotiation is None:
            return
        suspicious = negotiation.suspicious
        told = negotiation.state is not NegotiationState.COMPARING and (negotiation.identity is not None or self._payload is not None)
        self._end_negotiation(NegotiationState.FAILED)
        if told and self._payload is not None:
            self._transmit(nak_frame(cause))
        elif told:
            self._farewell = (nak_frame(cause), now + limits.FAREWELL)
        self._outbox.put(PairingFailed(cause, suspicious))
        self._link_unneeded()

    def _end_negotiation(self, state: NegotiationState) -> None:
        if self._negotiation is not None:
            self._negotiation.state = state
            self._negotiation.close()
        self._negotiation = None
        self._hold_back()

    def _hold_back(self) -> None:
        """While the two negotiate, the hub starts no resume and sends no DATA of its own."""
        if self._messaging is not None:
            state = self._negotiation.state if self._negotiation else None
            self._messaging.held_back = state not in (None, NegotiationState.WAITING, NegotiationState.COMPARING)

    def _release_link(self) -> None:
        if self.collecting and self._payload is not None:
            self._outbox.put(LinkUnneeded())

    def _link_unneeded(self) -> None:
        if self._payload is not None and self._negotiation is None:
            self._outbox.put(LinkUnneeded())

    def _transmit(self, frame: bytes) -> None:
        if self._payload is not None:
            self._outbox.put(*(Transmit(piece) for piece in framing.fragment(frame, self._payload)))

    def _drop(self, frame_type: int, error: RemoteError) -> None:
        self._dropped += 1
        self._outbox.put(FrameDropped(frame_type, str(error)))

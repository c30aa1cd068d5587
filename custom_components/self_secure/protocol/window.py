"""The pairing window: at most one negotiation with the device, its end, and the NAK that tells of it (protocol.md 5)."""

from . import limits
from .errors import Cause, LocalError, NegotiationError
from .events import PairingFailed, Verdict
from .messaging import Hold
from .negotiation import Negotiation
from .packets import Packet
from .tables import NegotiationState
from .terms import Outcome, Terms, nak_frame
from .wire import Means


class PairingWindow:
    """Opened by the user, closed by every end of the negotiation."""

    def __init__(self, means: Means) -> None:
        """Start closed."""
        self._entropy, self._outbox, self._wire = means.entropy, means.outbox, means.wire
        self._negotiation: Negotiation | None = None
        self._farewell: tuple[bytes, float] | None = None  # NAK to deliver, until when
        self.parting: tuple[bytes, bytes] | None = None  # suite paper: ACK and END, as long as the device may need it again

    # --- what is to be done

    @property
    def state(self) -> NegotiationState | None:
        """State of the negotiation; None while the window is closed."""
        return self._negotiation.state if self._negotiation else None

    @property
    def identity(self) -> bytes | None:
        """The device's identity, when REQ has told it."""
        return self._negotiation.identity if self._negotiation else None

    @property
    def relayed(self) -> bool:
        """Whether the negotiation may run through a relay."""
        return self._negotiation is not None and self._negotiation.relayed

    @property
    def deadline(self) -> float | None:
        """When `timer` wants to be called."""
        if self._negotiation is not None:  # the farewell of the one before ended when the window was opened
            return self._negotiation.deadline
        return self._farewell[1] if self._farewell is not None else None

    @property
    def wants_link(self) -> bool:
        """Tell whether there is something to say."""
        return self._farewell is not None or (self._negotiation is not None and self._negotiation.wants_link)

    @property
    def exclusive(self) -> bool:
        """Tell whether the negotiation alone decides about the link."""
        return self.state not in (None, NegotiationState.COMPARING)

    def hold(self) -> Hold:
        """Return what the hub must not start with this device."""
        if self.state is NegotiationState.COMPARING:
            return Hold.RESUMES
        return Hold.NOTHING if self.state in (None, NegotiationState.WAITING) else Hold.ALL

    # --- the user

    def open(self, terms: Terms, now: float) -> None:
        """Open it; LocalError if a negotiation is running. A device that has asked already asks again over a new link."""
        if self._negotiation is not None:
            raise LocalError("a negotiation is running")
        self._farewell = self.parting = None
        self._negotiation = Negotiation(terms, self._entropy, now)
        if self._wire.is_open:
            self._negotiation.link_opened(now)
            if self._wire.unanswered:
                self._wire.let_go()

    def answer(self, verdict: Verdict, now: float) -> Outcome | None:
        """Return the key that the user lets in, None for "different".

        LocalError if there is no code to answer, or if "not shown" is no answer: a relay could be in the middle.
        """
        negotiation = self._negotiation
        if negotiation is None or negotiation.state is not NegotiationState.COMPARING or negotiation.outcome is None:
            raise LocalError("there is no code to answer")
        if verdict is Verdict.NOT_SHOWN and negotiation.relayed:
            raise LocalError("a pairing through a relay counts only if the code was compared")
        if verdict is not Verdict.DIFFERENT:
            return self._finish(negotiation, negotiation.outcome)
        self.fail(Cause.DIFFERENT_CODE, now)
        return None

    def _finish(self, negotiation: Negotiation, outcome: Outcome) -> Outcome:
        negotiation.close(NegotiationState.DONE)
        self._negotiation = None
        return outcome

    # --- the radio

    def link_opened(self, now: float) -> None:
        """Say again what may have been lost with the last link."""
        if self._farewell is not None:
            self._wire.transmit(self._farewell[0])
            self._farewell = None
        if self._negotiation is not None:
            for frame in self._negotiation.link_opened(now):
                self._wire.transmit(frame)
            self._release_link()

    def link_closed(self, now: float) -> None:
        """The negotiation stays."""
        if self._negotiation is not None:
            self._negotiation.link_closed(now)

    def receive(self, packet: Packet, now: float) -> Outcome | None:
        """Take one packet of an open window; return the key if both sides hold it now. RemoteError: nothing changed.

        A key that needs no comparison closes the window, the other one waits for `answer`. In suite paper END is still to
        be sent then (`parting`), after the key is on disk.
        """
        negotiation = self._running()
        before = negotiation.outcome
        try:
            answer = negotiation.handle(packet, now)
        except NegotiationError as error:
            self.fail(error.cause, now)
            return None
        outcome = negotiation.outcome if before is None else None
        if outcome and negotiation.state is NegotiationState.DONE:
            self.parting = None if answer is None else (packet.encode(), answer)
            return self._finish(negotiation, outcome)
        if answer is not None:
            self._wire.transmit(answer)
        self._release_link()
        return outcome

    def random_packet(self, scanner: str, packet: tuple[int, int, bytes], now: float) -> None:
        """Take one random packet (sid, Seq, R); RemoteError if it belongs to another broadcast."""
        negotiation = self._negotiation or self._running()
        try:
            changed = negotiation.random_packet(scanner, packet, now)
        except NegotiationError as error:
            self.fail(error.cause, now)
            return
        if changed and negotiation.progress_due(now):
            self._outbox.put(negotiation.progress(now))

    def timer(self, now: float) -> None:
        """Act on every deadline that has come."""
        if self._farewell is not None and now >= self._farewell[1]:
            self._farewell = None
        try:
            if self._negotiation is not None:
                self._negotiation.timer(now)
        except NegotiationError as error:
            self.fail(error.cause, now)

    def _running(self) -> Negotiation:
        if self._negotiation is None:
            raise LocalError("the window is closed")
        return self._negotiation

    def _release_link(self) -> None:
        """The device broadcasts only while nobody is connected, and others may be nearer to the user's answer."""
        if self._negotiation is not None and not self._negotiation.wants_link and self.state is not NegotiationState.COMPARING:
            self._wire.let_go()

    # --- the end

    def fail(self, cause: Cause, now: float) -> None:
        """End a running negotiation and tell the device, now or within the farewell; OPEN's sender ignores NAK."""
        if self._negotiation is None:
            return
        if self.state is not NegotiationState.COMPARING:
            self._say_farewell(nak_frame(cause), now)
        self.abandon(cause)
        self._wire.let_go()

    def _say_farewell(self, frame: bytes, now: float) -> None:
        if self._wire.is_open:
            self._wire.transmit(frame)
        elif self.identity is not None:  # it may be waiting for us
            self._farewell = (frame, now + limits.FAREWELL)

    def abandon(self, cause: Cause) -> bool:
        """End a running negotiation without a word to the device; return whether there was one."""
        negotiation, self._negotiation = self._negotiation, None
        if negotiation is None:
            return False
        suspicious = negotiation.suspicious
        negotiation.close(NegotiationState.FAILED)
        self._outbox.put(PairingFailed(cause, suspicious))
        return True

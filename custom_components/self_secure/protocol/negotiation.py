"""The responder in a negotiation: its states and timers (protocol.md 5; the paper's 3.2, Bob)."""

from collections.abc import Callable

from . import limits, sets
from .agreement import PaperAgreement
from .collection import Collection, StopRule
from .errors import AuthenticationError, Cause, NegotiationError, UnexpectedError
from .events import PairingProgressed, PairingRecord
from .keys import RootKey
from .opening import open_negotiation
from .packets import FrameType, Packet
from .tables import NEGOTIATION, NegotiationState, handler_of
from .terms import Outcome, Terms, t_1


class Negotiation:
    """One negotiation, driven by frames, random packets and time; its keys die with it."""

    def __init__(self, terms: Terms, entropy: Callable[[int], bytes], now: float) -> None:
        """Wait for a device that the user wants to pair."""
        self._terms, self._entropy = terms, entropy
        self.state = NegotiationState.WAITING
        self.last_frame: bytes | None = None
        self.outcome: Outcome | None = None
        self.identity: bytes | None = None  # id_I, as soon as REQ has told it
        self.wants_link = True
        self._answers: dict[bytes, bytes] = {}
        self._end_by = now + limits.CONTACT_TIMEOUT  # of this phase, however often the link drops
        self.timeout_cause, self.deadline = Cause.TIMEOUT, self._end_by

    # --- the link

    def link_opened(self, now: float) -> list[bytes]:
        """Return the last frame, if there is one, to be sent again byte for byte (protocol.md 3).

        RSP of suite `paper` says nothing about its hub, so a device of several hearers needs ACC before it once more.
        """
        if self.state is NegotiationState.WAITING:
            self._expect(Cause.NO_REQUEST, now + limits.REQUEST_TIMEOUT)
        elif self.state is NegotiationState.RESPONDED:
            if not self._takes_turn():
                self._await_turn(now)
                return []
            self._expect_ack(now)
        elif self.state is NegotiationState.ENDED:
            self._expect(Cause.NO_OPEN, now + 2 * limits.T_3)
        self.wants_link = self.state is not NegotiationState.COLLECTING
        named = [self._opening.answer] if self.state is NegotiationState.RESPONDED and self._basis.suite.has_rounds else []
        return [*named, self.last_frame] if self.last_frame is not None else []

    def link_closed(self, now: float) -> None:
        """Without a link the peer has the waiting phase of its REQ to come back."""
        if self.state is NegotiationState.WAITING:
            self._expect(Cause.TIMEOUT, self._end_by)
        elif self.state is NegotiationState.RESPONDED and not self.wants_link:
            self._await_turn(now)
        elif self.state in (NegotiationState.RESPONDED, NegotiationState.ENDED):
            patience = max(self._basis.request.wait_s, limits.REQUEST_TIMEOUT)
            self.wants_link, self.deadline = True, min(now + patience, self._end_by)
            if self.state is NegotiationState.RESPONDED:  # somebody else's code may come first
                self._terms.human_check.release(self)

    def _expect(self, cause: Cause, deadline: float) -> None:
        self.timeout_cause, self.deadline = cause, deadline

    def _expect_ack(self, now: float) -> None:
        wrong = self.timeout_cause is Cause.WRONG_MAC  # an ACK came, its MAC did not fit: that stays the cause
        self._expect(Cause.WRONG_MAC if wrong else Cause.NO_ACK, now + 2 * limits.T_2)

    def timer(self, now: float) -> None:
        """Act on a deadline that has come; raises NegotiationError when the time is over."""
        if now < self.deadline:
            return
        if self.state is NegotiationState.COLLECTING:
            self._collection_timer(now)
        elif self.state is NegotiationState.RESPONDED and not self.wants_link and now < self._end_by:
            self._await_turn(now)
        else:
            raise NegotiationError(self.timeout_cause)

    def _collection_timer(self, now: float) -> None:
        if self._collection.scanners:
            self._finish_collecting(now)
        elif now >= self._silent_until:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        else:
            self.wants_link = True
            self.deadline = min(now + limits.SILENCE_TIMEOUT, self._silent_until)

    # --- frames

    def handle(self, packet: Packet, now: float) -> bytes | None:
        """Take one frame; return the answer, if it has one.

        A byte-identical repeat gets the stored answer (rule 10). RemoteError: dropped, nothing changed;
        NegotiationError: the negotiation has failed.
        """
        data = packet.encode()
        if data in self._answers:
            return self._answers[data]
        name = handler_of(NEGOTIATION, self.state, packet.type)
        answer: bytes | None = getattr(self, name)(packet, now)
        if answer is not None:
            self._answers[data] = self.last_frame = answer
        return answer

    def on_request(self, packet: Packet, now: float) -> bytes:
        """REQ, m1: choose the suite and answer ACC, m2."""
        opening = open_negotiation(packet, self._terms, self._entropy)
        self._opening, self._basis = opening, opening.basis
        self._collect(opening.rule, now)
        return opening.answer

    def _collect(self, rule: StopRule, now: float) -> None:
        request = self._basis.request
        self._collection = Collection(rule, request.n_i)
        self._cap = now + 2 * t_1(rule.n_max, request.interval_ms)
        self._silent_until = min(self._cap, now + limits.SILENCE_MAX)
        self._told_until = now
        self.identity, self.state, self.wants_link = request.id_i, NegotiationState.COLLECTING, False
        self._expect(Cause.TOO_FEW_PACKETS, min(now + limits.SILENCE_TIMEOUT, self._silent_until))

    # --- the broadcast

    def random_packet(self, scanner: str, packet: tuple[int, int, bytes], now: float) -> bool:
        """Take (sid, Seq, R) as one scanner heard it; return whether the set changed."""
        sid, seq, value = packet
        handler = handler_of(NEGOTIATION, self.state, FrameType.RAND)
        if sid != self._basis.request.sid or seq >= self._collection.rule.n_max or len(value) != limits.RANDOM_SIZE:
            raise UnexpectedError("a random packet of another broadcast")
        changed: bool = getattr(self, handler)(scanner, seq, value, now)
        return changed

    def on_random(self, scanner: str, seq: int, value: bytes, now: float) -> bool:
        """RAND: collect until the stop rule holds (rule 3), then make RSP, m3."""
        collection = self._collection
        left = t_1(collection.rule.n_max - seq, self._basis.request.interval_ms)
        self.deadline, self.wants_link = min(self._cap, now + left), False  # anew with each: one forged Seq must not end it
        if not collection.add(scanner, seq, value):
            return False
        if collection.conflict_count > limits.CONFLICTS_MAX and not collection.rule.blacklists:
            raise NegotiationError(Cause.CONFLICTS)
        if collection.complete():
            self.respond(collection.members(), now)
        return True

    def _finish_collecting(self, now: float) -> None:
        members = self._collection.members()
        if len(members) < self._collection.rule.minimum:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        if self._collection.conflicts_over(len(members)):
            raise NegotiationError(Cause.CONFLICTS)
        if not self._basis.suite.finishes_short:
            raise NegotiationError(Cause.LOW_SECRECY)
        self.respond(members, now)

    def respond(self, members: list[int], now: float) -> None:
        """Stop collecting: make RSP, m3, of `members`; S is fixed from here on."""
        self._reached = self._collection.secrecy(members) >= self._collection.rule.target_bits
        self._agreement = self._opening.agreement(self._collection, members, self._entropy)
        self.last_frame = self._agreement.response()
        self.state = NegotiationState.RESPONDED
        self._end_by = max(self._cap, now + limits.CONTACT_TIMEOUT / 2)
        self._await_turn(now)

    def _await_turn(self, now: float) -> None:
        """RSP goes out when nobody else's code waits for the user (rule 8); the device broadcasts or waits until then."""
        self.wants_link = not self._basis.suite.has_dh or self._terms.human_check.is_free
        if self.wants_link:
            self._expect(Cause.TIMEOUT, self._end_by)
        else:
            self._expect(Cause.BUSY, min(now + limits.TURN_STEP, self._end_by))

    def _takes_turn(self) -> bool:
        return not self._basis.suite.has_dh or self._terms.human_check.acquire(self)

    def collected(self) -> list[int]:
        """Return S as it is now, ascending."""
        return self._collection.members()

    def progress_due(self, now: float) -> bool:
        """Tell whether somebody who watches wants to know: now and then, and at the end of the collection."""
        return now >= self._told_until or self.state is not NegotiationState.COLLECTING

    def progress(self, now: float) -> PairingProgressed:
        """Return how far the collection is."""
        self._told_until = now + limits.PROGRESS_SECONDS
        return self._collection.progress(self._basis.request.interval_ms, max(0.0, self.deadline - now))

    # --- the agreement

    def on_tags(self, packet: Packet, now: float) -> bytes:
        """TAGS: tell the tags of one page of S (rule 4)."""
        answer = self._agreement.tags(packet)
        self._expect_ack(now)
        return answer

    def on_ack(self, packet: Packet, now: float) -> bytes:
        """ACK, m4: check S' and answer END, m5."""
        try:
            agreed = self._agreement.confirm(packet)
        except AuthenticationError:
            self.timeout_cause = Cause.WRONG_MAC
            raise
        self._check(agreed)
        self._agreed, self.state = agreed, NegotiationState.ENDED
        self._end_by = now + limits.CONTACT_TIMEOUT / 2
        self._expect(Cause.NO_OPEN, now + 2 * limits.T_3)
        end = self._agreement.end()
        if isinstance(self._agreement, PaperAgreement):  # the key counts before END leaves (rule 7)
            self._complete(self._agreement.root(), "", now)
        return end

    def _check(self, agreed: list[int]) -> None:
        """Check rules 2 and 3 for S'."""
        rule = self._collection.rule
        if len(agreed) < rule.minimum:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        if self._reached and self._collection.secrecy(agreed) < rule.target_bits:
            raise NegotiationError(Cause.LOW_SECRECY)

    def on_open(self, packet: Packet, now: float) -> None:
        """OPEN, m6: check the commitment (rule 10); both sides now hold the key and the code."""
        self._complete(*self._agreement.open(packet), now)

    def _complete(self, root: RootKey, code: str, now: float) -> None:
        request, suite = self._basis.request, self._basis.suite
        self.outcome = Outcome(request.id_i, suite, root, code, self._record())
        self.state = NegotiationState.COMPARING if suite.has_dh else NegotiationState.DONE
        self.last_frame, self.wants_link = None, False
        self._expect(Cause.NO_ANSWER, now + limits.PENDING_LIFETIME)
        del self._agreement, self._collection, self._basis, self._opening  # random packets, DH and PRK are not needed any more

    def _record(self) -> PairingRecord:
        """Return the record; `verified` comes with the user's answer."""
        collection, agreed, terms = self._collection, self._agreed, self._terms
        reached = (len(agreed), sets.loss_of(agreed), collection.secrecy(agreed), collection.rule.assumed_loss)
        circumstances = (collection.conflict_count, collection.scanners, terms.floor, terms.relayed)
        return PairingRecord(self._basis.suite.id, False, *reached, *circumstances)

    # --- the end

    @property
    def relayed(self) -> bool:
        """Whether it runs through a relay, which could be the one in the middle."""
        return self._terms.relayed

    @property
    def suspicious(self) -> bool:
        """END has left: a failure now may be somebody in the middle (rule 8)."""
        return self.state in (NegotiationState.ENDED, NegotiationState.COMPARING)

    def close(self, state: NegotiationState) -> None:
        """End for good, DONE or FAILED: give the human check back."""
        self._terms.human_check.release(self)
        self.state, self.wants_link = state, False

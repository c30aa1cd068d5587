"""The responder in a negotiation (protocol.md 5; the paper's 3.2, Bob)."""

from collections.abc import Callable
from typing import Final

from . import limits, sets
from .collection import Collection, Conflict, StopRule, candidate_tag
from .errors import AuthenticationError, Cause, MalformedError, NegotiationError, UnexpectedError
from .events import PairingProgressed, PairingRecord
from .keys import DhKey, Transcript, verify
from .packets import Acceptance, Frame, FrameType, Request
from .suites import Confirmation, Suite, all_without_dh, choose, offers_dh
from .tables import NEGOTIATION, NegotiationState, handler_of
from .terms import Outcome, Terms, code_of, commitment, t_1

_LEFT_OUT: Final = 0xFF
_NO_KEY: Final = bytes(limits.PUBLIC_KEY_SIZE)


class Negotiation:
    """One negotiation, driven by frames, random packets and time; its keys die with it."""

    def __init__(self, terms: Terms, entropy: Callable[[int], bytes], now: float) -> None:
        """Wait for a device that the user wants to pair."""
        self._terms, self._entropy = terms, entropy
        self.state = NegotiationState.WAITING
        self.deadline: float | None = now + limits.CONTACT_TIMEOUT
        self.timeout_cause = Cause.TIMEOUT
        self.last_frame: bytes | None = None
        self.outcome: Outcome | None = None
        self.wants_link = True
        self._answers: dict[bytes, bytes] = {}
        self._transcript = Transcript()
        self._pages = 0

    # --- the link

    def link_opened(self, now: float) -> bytes | None:
        """Return the last frame, to be sent again byte for byte (protocol.md 3)."""
        if self.state is NegotiationState.WAITING:
            self._expect(Cause.NO_REQUEST, now + limits.REQUEST_TIMEOUT)
        elif self.state is NegotiationState.RESPONDED:
            self._expect(self.timeout_cause if self.timeout_cause is Cause.WRONG_MAC else Cause.NO_ACK, now + 2 * limits.T_2)
        elif self.state is NegotiationState.ENDED:
            self._expect(Cause.NO_OPEN, now + 2 * limits.T_3)
        self.wants_link = self.state is not NegotiationState.COLLECTING
        return self.last_frame

    def link_closed(self, now: float) -> None:
        """Without a link the peer has the waiting phase of its REQ to come back."""
        if self.state in (NegotiationState.RESPONDED, NegotiationState.ENDED):
            self.wants_link = True
            self.deadline = now + max(self._request.wait_s, limits.REQUEST_TIMEOUT)

    def _expect(self, cause: Cause, deadline: float) -> None:
        self.timeout_cause, self.deadline = cause, deadline

    def timer(self, now: float) -> None:
        """Act on a deadline that has come; raises NegotiationError when the time is over."""
        if self.deadline is None or now < self.deadline:
            return
        if self.state is not NegotiationState.COLLECTING:
            raise NegotiationError(self.timeout_cause)
        self._collection_timer(now)

    def _collection_timer(self, now: float) -> None:
        if self._collection.scanners:
            self._finish_collecting(now)
        elif now >= self._silent_until:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        else:
            self.wants_link = True
            self.deadline = min(now + limits.SILENCE_TIMEOUT, self._silent_until)

    # --- frames

    def handle(self, frame: Frame, now: float) -> bytes | None:
        """Take one frame; return the answer, if it has one.

        A byte-identical repeat gets the stored answer (rule 10). RemoteError: dropped, nothing changed;
        NegotiationError: the negotiation has failed.
        """
        data = frame.encode()
        if data in self._answers:
            return self._answers[data]
        name = handler_of(NEGOTIATION, self.state, frame.type)
        answer: bytes | None = getattr(self, name)(frame, now)
        if answer is not None:
            self._answers[data] = answer
            self.last_frame = answer if frame.type is not FrameType.TAGS else self.last_frame
        return answer

    def on_request(self, frame: Frame, now: float) -> bytes:
        """REQ, m1: choose the suite and answer ACC, m2."""
        request = Request.decode(frame)
        if self._terms.expected_identity not in (None, request.id_i):
            raise NegotiationError(Cause.WRONG_DEVICE)
        suite = choose(request.suites, self._terms.floor)
        if suite is None:
            raise NegotiationError(Cause.SUITE_BELOW_FLOOR)
        if offers_dh(request.suites) and request.pk_i == _NO_KEY:
            raise MalformedError("pk_I is missing")
        if all_without_dh(request.suites) and request.pk_i != _NO_KEY:
            raise MalformedError("pk_I without X25519")
        rule = self._terms.rule
        if request.n_max < rule.minimum:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        private = DhKey(self._entropy(limits.PUBLIC_KEY_SIZE)) if suite.has_dh else None
        self._dh = private.exchange(request.pk_i) if private else b""
        return self._accept(request, suite, private.public if private else _NO_KEY, frame, now)

    def _accept(self, request: Request, suite: Suite, pk_r: bytes, frame: Frame, now: float) -> bytes:
        rule = self._terms.rule
        n_max = min(rule.n_max, request.n_max)
        n_r = self._entropy(limits.NONCE_SIZE)
        answer = Acceptance(suite.id, self._terms.hub_id, n_r, pk_r, rule.minimum, rule.target_bits, rule.assumed_loss, n_max).encode()
        self._request, self._suite = request, suite
        self._collection = Collection(StopRule(rule.minimum, rule.target_bits, rule.assumed_loss, n_max), request.n_i)
        self._transcript.absorb(frame.authenticated).absorb(answer.authenticated)
        self._th_2 = self._transcript.value
        self._broadcast = t_1(n_max, request.interval_ms)
        self._cap = now + 2 * self._broadcast
        self._silent_until = min(self._cap, now + limits.SILENCE_MAX)
        self.state, self.wants_link = NegotiationState.COLLECTING, False
        self._expect(Cause.TOO_FEW_PACKETS, now + limits.SILENCE_TIMEOUT)
        return answer.encode()

    # --- the broadcast

    def random_packet(self, scanner: str, packet: tuple[int, int, bytes], now: float) -> bool:
        """Take (sid, Seq, R) as one scanner heard it; return whether the set changed."""
        sid, seq, value = packet
        handler = handler_of(NEGOTIATION, self.state, FrameType.RAND)
        if sid != self._request.sid or seq >= self._collection.rule.n_max or len(value) != limits.RANDOM_SIZE:
            raise UnexpectedError("a random packet of another broadcast")
        changed: bool = getattr(self, handler)(scanner, seq, value, now)
        return changed

    def on_random(self, scanner: str, seq: int, value: bytes, now: float) -> bool:
        """RAND: collect until the stop rule holds (rule 3), then make RSP, m3."""
        collection = self._collection
        if not collection.scanners:
            left = t_1(collection.rule.n_max - seq, self._request.interval_ms)
            self.deadline, self.wants_link = min(self._cap, now + left), False
        if not collection.add(scanner, seq, value):
            return False
        if collection.conflict_count > limits.CONFLICTS_MAX:
            raise NegotiationError(Cause.CONFLICTS)
        members = collection.members()
        if collection.complete(members):
            self.respond(members, now)
        return True

    def _finish_collecting(self, now: float) -> None:
        members = self._collection.members()
        if len(members) < self._collection.rule.minimum:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        if self._collection.conflicts_over(len(members)):
            raise NegotiationError(Cause.CONFLICTS)
        if not self._suite.has_dh:
            raise NegotiationError(Cause.LOW_SECRECY)
        self.respond(members, now)

    def respond(self, members: list[int], now: float) -> None:
        """Stop collecting: make RSP, m3, of `members`; S is fixed from here on."""
        self._members = members
        self._conflicts: dict[int, Conflict] = {row.seq: row for row in self._collection.conflicts()}
        self._reached = self._collection.secrecy(members) >= self._collection.rule.target_bits
        frame = Frame(FrameType.RSP, sets.encode(members) + self._collection.report())
        th_3 = self._transcript.absorb(frame.authenticated).value
        pool = self._suite.pool(self._th_2, self._request.sid, [(seq, self._collection.value(seq)) for seq in members])
        key = self._suite.response_key(th_3, pool, self._dh, self._terms.psk)
        self.last_frame = frame.authenticated + key.tag(th_3)
        self.state, self.wants_link = NegotiationState.RESPONDED, True
        self._expect(Cause.TIMEOUT, max(self._cap, now + limits.CONTACT_TIMEOUT / 2))

    def collected(self) -> list[int]:
        """Return S as it is now, ascending."""
        return self._collection.members()

    def progress(self, now: float) -> PairingProgressed:
        """Return how far the collection is."""
        collection, rule = self._collection, self._collection.rule
        members = collection.members()
        bits = collection.secrecy(members)
        fraction = min(1.0, len(members) / rule.minimum, bits / rule.target_bits if rule.target_bits else 1.0)
        span = collection.last_seq - collection.first_seq + 1 if collection.scanners else 0
        rate = len(members) / span if span else 1.0
        missing = max(0.0, 1 - fraction) / max(fraction, 1 / rule.minimum) * len(members)
        seconds = missing / max(rate, 0.01) * (self._request.interval_ms / 1000 + limits.SLACK_PER_PACKET)
        left = min(seconds, max(0.0, (self.deadline or now) - now))
        counts = (collection.conflict_count, collection.scanners)
        return PairingProgressed(len(members), span, 1 - rate, bits, rule.target_bits, rule.minimum, *counts, fraction, left)

    # --- the agreement

    def on_tags(self, frame: Frame, _now: float) -> bytes:
        """TAGS: tell the tags of one page of S, each page once, ascending (rule 4)."""
        page = self._members[frame.seq * limits.TAGS_PER_PAGE : (frame.seq + 1) * limits.TAGS_PER_PAGE]
        if frame.message or frame.seq != self._pages or not page:
            raise UnexpectedError("TAGS page")
        tags = b"".join(candidate_tag(self._request.n_i, seq, self._collection.value(seq)) for seq in page)
        answer = Frame(FrameType.TAGS, tags, seq=frame.seq)
        self._transcript.absorb(frame.authenticated).absorb(answer.authenticated)
        self._pages += 1
        return answer.encode()

    def on_ack(self, frame: Frame, now: float) -> bytes:
        """ACK, m4: check S' and answer END, m5."""
        agreed, committed = self._read_ack(frame)
        th_3 = self._transcript.value
        th_4 = Transcript(th_3).absorb(frame.authenticated).value
        pool = self._suite.pool(self._th_2, self._request.sid, agreed)
        confirmation = self._suite.confirm(th_4, pool, self._dh, self._terms.psk)
        try:
            verify(confirmation.ack.tag(th_4), frame.mac, "ACK")
        except AuthenticationError:
            self.timeout_cause = Cause.WRONG_MAC
            raise
        self._check_agreed([seq for seq, _ in agreed])
        if self._suite.has_dh and not self._terms.human_check.acquire(self):
            raise NegotiationError(Cause.BUSY)
        return self._end(confirmation, th_3, th_4, committed, now)

    def _read_ack(self, frame: Frame) -> tuple[list[tuple[int, bytes]], bytes]:
        agreed, used = sets.decode_prefix(frame.message)
        choices = frame.message[used : used + len(self._conflicts)]
        committed = frame.message[used + len(self._conflicts) :]
        if len(committed) != limits.DIGEST_SIZE:
            raise MalformedError("length of ACK")
        named = {seq: choice for seq, choice in zip(self._conflicts, choices, strict=True) if choice != _LEFT_OUT}
        if any(choice >= len(self._conflicts[seq].candidates) for seq, choice in named.items()):
            raise MalformedError("no such candidate")
        if not set(named) <= set(agreed) <= set(named) | set(self._members):
            raise MalformedError("S' is not within S and the named conflicts")
        return [(seq, self._collection.value(seq, named.get(seq, 0))) for seq in agreed], committed

    def _check_agreed(self, agreed: list[int]) -> None:
        rule = self._collection.rule
        if len(agreed) < rule.minimum:
            raise NegotiationError(Cause.TOO_FEW_PACKETS)
        if self._reached and self._collection.secrecy(agreed) < rule.target_bits:
            raise NegotiationError(Cause.LOW_SECRECY)
        self._agreed = agreed

    def _end(self, confirmation: Confirmation, th_3: bytes, th_4: bytes, committed: bytes, now: float) -> bytes:
        self._confirmation, self._th_3, self._th_4, self._committed = confirmation, th_3, th_4, committed
        self._r_r = self._entropy(limits.NONCE_SIZE)
        frame = Frame(FrameType.END, self._r_r)
        self._th_5 = Transcript(th_4).absorb(frame.authenticated).value
        self.state = NegotiationState.ENDED
        self._expect(Cause.NO_OPEN, now + 2 * limits.T_3)
        return frame.authenticated + confirmation.end.tag(self._th_5)

    def on_open(self, frame: Frame, now: float) -> None:
        """OPEN, m6: check the commitment (rule 10); both sides now hold the key and the code."""
        verify(self._committed, commitment(frame.message, self._th_3), "commitment")
        th_6 = Transcript(self._th_5).absorb(frame.authenticated).value
        verify(self._confirmation.open.tag(th_6), frame.mac, "OPEN")
        root = self._suite.root(self._confirmation, th_6)
        self.outcome = Outcome(self._request.id_i, self._suite, root, code_of(frame.message, self._r_r, self._th_4), self._record())
        self.state = NegotiationState.COMPARING if self._suite.has_dh else NegotiationState.DONE
        self.last_frame, self.wants_link = None, False
        self._expect(Cause.NO_ANSWER, now + limits.PENDING_LIFETIME)

    def _record(self) -> PairingRecord:
        agreed, rule = self._agreed, self._collection.rule
        bits = self._collection.secrecy(agreed)
        counts = (self._collection.conflict_count, self._collection.scanners)
        return PairingRecord(
            self._suite.id, False, len(agreed), sets.loss_of(agreed), bits, rule.assumed_loss, *counts
        )  # verified comes with the user's answer

    # --- the end

    @property
    def suspicious(self) -> bool:
        """END has left: a failure now may be somebody in the middle (rule 8)."""
        return self.state in (NegotiationState.ENDED, NegotiationState.COMPARING)

    def close(self) -> None:
        """End for good: give the human check back."""
        self._terms.human_check.release(self)
        self.state = NegotiationState.FAILED if self.state is not NegotiationState.DONE else self.state
        self.wants_link, self.deadline = False, None

    @property
    def identity(self) -> bytes | None:
        """id_I, as soon as REQ has told it."""
        return self._request.id_i if hasattr(self, "_request") else None

"""Stop and wait in both directions over one epoch's chains (protocol.md 6, the paper's 3.3)."""

from dataclasses import dataclass, field
import struct
from typing import Final

from . import limits
from .errors import ChainJumpedError, UnexpectedError
from .events import MessageType
from .keys import NO_DIGEST, ChainKey, EpochRoot, StoreKey, digest
from .packets import Packet
from .suites import Suite, paper
from .tables import SenderState

_CONTEXT: Final = struct.Struct(">BII")
_TEXT: Final = struct.Struct(">BQ")
TO_RESPONDER: Final = 0
TO_INITIATOR: Final = 1
INTERNAL: Final = 0  # handle of what the protocol itself sends


@dataclass(slots=True)
class Outgoing:
    """One message of the queue; `id` is given at its first sending and stays (protocol.md 6 rule 6)."""

    handle: int
    type: int
    body: bytes = field(repr=False)
    id: int | None = None
    first_sent: float = 0.0
    attempts: int = 0
    volatile: bool = False  # never on disk: it is worth nothing after a restart, or holds a key that lives in memory only

    @property
    def is_greeting(self) -> bool:
        """Tell whether it only says who is there: worth no connection of its own."""
        return self.handle == INTERNAL and self.type == MessageType.INFO

    @property
    def is_long(self) -> bool:
        """Tell whether it does not fit through a relay (protocol.md 10)."""
        return len(self.body) > limits.INNER_BODY_MAX

    @property
    def text(self) -> bytes:
        """Type u8, id u64, body."""
        return _TEXT.pack(self.type, self.id or 0) + self.body


@dataclass(slots=True)  # not frozen: made for every message, and never changed
class Incoming:
    """One accepted message."""

    type: int
    id: int
    body: bytes = field(repr=False)


class RoundTrip:
    """RTO = SRTT + 4 var, 0.5-8 s, first 2 s (RFC 6298's estimator); the DACK names its attempt, so every sample counts."""

    __slots__ = ("_mean", "_variation")

    def __init__(self) -> None:
        """Start without a sample."""
        self._mean: float | None = None
        self._variation = 0.0

    def sample(self, seconds: float) -> None:
        """Take in one measured round trip."""
        if self._mean is None:
            self._mean, self._variation = seconds, seconds / 2
            return
        self._variation += (abs(seconds - self._mean) - self._variation) / 4
        self._mean += (seconds - self._mean) / 8

    @property
    def timeout(self) -> float:
        """RTO in seconds."""
        if self._mean is None:
            return limits.RTO_FIRST
        return min(limits.RTO_MAX, max(limits.RTO_MIN, self._mean + 4 * self._variation))


@dataclass(slots=True)  # as Incoming
class _Attempt:
    rand: bytes = field(repr=False)
    tag: bytes
    sent: float


class SendingChain:
    """One direction, sending: one message outstanding, every attempt remembered (protocol.md 6 rules 1-3)."""

    def __init__(self, suite: Suite, chain: ChainKey, direction: int, epoch: int, omega: int) -> None:
        """Start at message number 0 with CK_0 of `direction`; `omega` retransmissions at most (the paper's Ω)."""
        self._suite, self.chain = suite, chain
        self._direction, self._epoch, self._omega = direction, epoch, omega
        self._attempts: list[_Attempt] = []
        self.round_trip = RoundTrip()
        self.index = 0
        self.message: Outgoing | None = None
        self.state = SenderState.IDLE
        self.deadline: float | None = None

    @property
    def _context(self) -> bytes:
        return _CONTEXT.pack(self._direction, self._epoch, self.index)

    def begin(self, message: Outgoing, entropy: bytes, now: float) -> bytes:
        """Send `message` (it has its id) as attempt 0; return the frame."""
        self.message, self.state = message, SenderState.OUTSTANDING
        if not message.attempts:  # else it went out in an earlier epoch
            message.first_sent = now
        return self._attempt(entropy, now)

    def retry(self, entropy: bytes, now: float) -> bytes | None:
        """Return the next attempt's frame, or None when Ω is used up: the chain is then frozen (rule 3)."""
        if len(self._attempts) > self._omega:
            self.state, self.deadline = SenderState.FROZEN, None
            return None
        return self._attempt(entropy, now)

    def delay(self, seconds: float) -> None:
        """Wait so much longer for the acknowledgement."""
        if self.deadline is not None:
            self.deadline += seconds

    def _attempt(self, entropy: bytes, now: float) -> bytes:
        message = self._outstanding()
        number = len(self._attempts)
        sealed = self._suite.seal(self.chain, self._context, number, entropy, message.text)
        self._attempts.append(_Attempt(sealed.rand, sealed.tag, now))
        message.attempts += 1
        self.deadline = now + self.round_trip.timeout
        return sealed.frame

    def acknowledge(self, packet: Packet, now: float) -> Outgoing:
        """Verify a DACK, step the chain by the attempt that it names, return the delivered message.

        ChainJumpedError freezes the chain (protocol.md 8); any other RemoteError has changed nothing.
        """
        message = self._outstanding()
        try:
            number, rand_b = self._suite.accept(self.chain, self._context, [attempt.tag for attempt in self._attempts], packet)
        except ChainJumpedError:
            self.state, self.deadline = SenderState.FROZEN, None
            raise
        attempt = self._attempts[number]
        self.chain = self._suite.step(self.chain, self._context, number, attempt.rand + rand_b, message.text, attempt.tag)
        self.round_trip.sample(min(now - attempt.sent, limits.RTO_MAX))  # an acknowledgement may have waited for the next link
        self._release()
        return message

    def _outstanding(self) -> Outgoing:
        if self.message is None:
            raise UnexpectedError("nothing is outstanding")
        return self.message

    def _release(self) -> None:
        self.index += 1
        self._attempts.clear()
        self.message, self.deadline = None, None
        self.state = SenderState.FROZEN if self.state is SenderState.FROZEN else SenderState.IDLE


@dataclass(slots=True)  # as Incoming
class _Previous:
    evidence: bytes = field(repr=False)
    context: bytes
    dack: bytes


class ReceivingChain:
    """One direction, receiving: the expected message, or the previous one again (protocol.md 6 rule 1)."""

    def __init__(self, suite: Suite, chain: ChainKey, direction: int, epoch: int) -> None:
        """Start at message number 0 with CK_0 of `direction`."""
        self._suite, self.chain = suite, chain
        self._direction, self._epoch = direction, epoch
        self._previous: _Previous | None = None
        self.index = 0

    def receive(self, packet: Packet, entropy: bytes) -> tuple[Incoming | None, bytes]:
        """Return (message, DACK); the message is None for a duplicate, whose stored DACK goes out again.

        Raises AuthenticationError, MalformedError or UnexpectedError, and then nothing has changed.
        """
        previous = self._previous
        if previous is not None and self._suite.recognises(previous.evidence, previous.context, packet):
            return None, previous.dack
        return self._accept(packet, entropy)

    def _accept(self, packet: Packet, entropy: bytes) -> tuple[Incoming, bytes]:
        suite, chain = self._suite, self.chain
        context = _CONTEXT.pack(self._direction, self._epoch, self.index)
        opened = suite.open(chain, context, packet)
        dack, rand_b = suite.acknowledge(chain, context, opened, entropy)
        self.chain = suite.step(chain, context, opened.attempt, opened.rand + rand_b, opened.text, opened.tag)
        self._previous = _Previous(opened.evidence, context, dack)
        self.index += 1
        kind, number = _TEXT.unpack_from(opened.text)
        return Incoming(kind, number, opened.text[_TEXT.size :]), dack


class Session:
    """Both chains of one epoch, seen from the responder; memory only."""

    def __init__(self, suite: Suite, root: EpochRoot, epoch: int, omega: int, now: float) -> None:
        """Make CK_0 of both directions from RK_e."""
        self.epoch, self.started, self.suite = epoch, now, suite
        self.bases = [0, 0]  # suite paper: first j of both directions in this life
        self.sending = SendingChain(suite, root.chain(TO_INITIATOR), TO_INITIATOR, epoch, omega)
        self.receiving = ReceivingChain(suite, root.chain(TO_RESPONDER), TO_RESPONDER, epoch)
        self._ids = 0

    @property
    def messages(self) -> int:
        """Messages of both directions together: what W counts (protocol.md 7)."""
        return self.receiving.index + self.sending.index

    def completed_round(self, direction: int) -> tuple[int, StoreKey] | None:
        """Return (j, K_jW) when the last update of a direction ended a round of W messages (suite paper)."""
        chain = self.sending if direction == TO_INITIATOR else self.receiving
        if not self.suite.has_rounds or chain.index % paper.W:
            return None
        return self.bases[direction] + chain.index // paper.W, StoreKey(chain.chain.raw)

    def next_id(self) -> int:
        """Return u32 epoch || u32 counter from 1."""
        self._ids += 1
        return self.epoch << 32 | self._ids

    def on_data(self, packet: Packet, entropy: bytes) -> tuple[Incoming | None, bytes]:
        """DATA: see `ReceivingChain.receive`."""
        return self.receiving.receive(packet, entropy)

    def on_dack(self, packet: Packet, now: float) -> Outgoing:
        """DACK: see `SendingChain.acknowledge`."""
        return self.sending.acknowledge(packet, now)

    def live(self) -> tuple[bytes, bytes]:
        """Return (live digest, live key); the digest is zero while a message of ours is unacknowledged (protocol.md 7)."""
        chains = self.receiving.chain.raw + self.sending.chain.raw
        if self.sending.message is not None:
            return NO_DIGEST, b""
        return digest(b"SSC1 live" + chains), digest(b"SSC1 live key" + chains)

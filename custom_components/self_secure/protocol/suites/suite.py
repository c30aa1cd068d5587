"""What a suite is: a set of functions over the same packets and machines (protocol.md 2).

Byte strings: `context` = direction u8 || epoch u32 || message number u32 (protocol.md 6); `text` = type u8 || id u64 || body.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..keys import ChainKey, ConfirmationKey, RootKey
from ..packets import Packet


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What follows from the agreed set: the keys of ACK, END and OPEN, and the PRK of the root key."""

    ack: ConfirmationKey
    end: ConfirmationKey
    open: ConfirmationKey
    prk: bytes = field(repr=False)


@dataclass(slots=True)  # not frozen: made for every message, and never changed
class Sealed:
    """One attempt as it leaves."""

    frame: bytes
    rand: bytes = field(repr=False)  # Rand of this attempt
    tag: bytes  # what the acknowledgement has to fit


@dataclass(slots=True)  # as above
class Opened:
    """One attempt whose tag was verified."""

    attempt: int
    rand: bytes = field(repr=False)
    text: bytes = field(repr=False)
    tag: bytes  # what the acknowledgement is made of
    evidence: bytes = field(repr=False)  # what recognises further attempts after the chain has gone on


class Suite(Protocol):
    """The functions of one suite; the formulas stand in the module that implements it."""

    id: int
    name: str
    has_dh: bool
    finishes_short: bool  # a broadcast that ends before the target of secrecy still makes a key (rule 3)
    has_rounds: bool  # stores W-round keys per direction instead of changing epochs (protocol.md 8)
    body_max: int  # bytes of a message
    data_entropy: int  # random bytes of one DATA attempt
    dack_entropy: int  # and of one DACK

    def pool(self, th_2: bytes, sid: int, packets: Iterable[tuple[int, bytes]]) -> bytes:
        """Return PL(S) of (Seq, R) pairs in ascending order, formulas (6) and (7)."""

    def response_key(self, th_3: bytes, pool: bytes, dh: bytes, psk: bytes) -> ConfirmationKey:
        """Return K_rsp, formulas (8) and (9)."""

    def confirm(self, th_4: bytes, pool: bytes, dh: bytes, psk: bytes) -> Confirmation:
        """Return the keys of ACK, END and OPEN, formula (10)."""

    def root(self, confirmation: Confirmation, th_6: bytes) -> RootKey:
        """Return RK_0."""

    def seal(self, chain: ChainKey, context: bytes, attempt: int, entropy: bytes, text: bytes) -> Sealed:
        """Encrypt one attempt, formulas (11) and (12); `entropy` has `data_entropy` bytes."""

    def open(self, chain: ChainKey, context: bytes, packet: Packet) -> Opened:
        """Verify and decrypt an attempt of the message that `context` names; RemoteError if it is none."""

    def recognises(self, evidence: bytes, context: bytes, packet: Packet) -> bool:
        """Tell whether `packet` is an attempt of the message that `evidence` and `context` belong to."""

    def acknowledge(self, chain: ChainKey, context: bytes, opened: Opened, entropy: bytes) -> tuple[bytes, bytes]:
        """Return the DACK of an accepted attempt, formula (13), and RandB; `entropy` has `dack_entropy` bytes."""

    def accept(self, chain: ChainKey, context: bytes, tags: Sequence[bytes], packet: Packet) -> tuple[int, bytes]:
        """Verify a DACK against the tags of all attempts; return the accepted attempt's number and RandB, or raise RemoteError."""

    def step(self, chain: ChainKey, context: bytes, attempt: int, randoms: bytes, text: bytes, tag: bytes) -> ChainKey:
        """Return the next chain key, formulas (14) and (15); `randoms` = Rand || RandB of the accepted attempt."""

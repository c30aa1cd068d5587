"""What a suite is: a set of functions over the same packets and machines (protocol.md 2).

Byte strings: `context` = direction u8 || epoch u32 || message number u32 (protocol.md 6); `text` = type u8 || id u64 || body.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ..keys import ChainKey, ConfirmationKey, RootKey


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What follows from the agreed set: the keys of ACK, END and OPEN, and the PRK of the root key."""

    ack: ConfirmationKey
    end: ConfirmationKey
    open: ConfirmationKey
    prk: bytes = field(repr=False)


class Suite(Protocol):
    """The functions of one suite; the formulas stand in the module that implements it."""

    id: int
    name: str
    has_dh: bool

    def pool(self, th_2: bytes, sid: int, packets: Iterable[tuple[int, bytes]]) -> bytes:
        """Return PL(S) of (Seq, R) pairs in ascending order, formulas (6) and (7)."""

    def response_key(self, th_3: bytes, pool: bytes, dh: bytes, psk: bytes) -> ConfirmationKey:
        """Return K_rsp, formulas (8) and (9)."""

    def confirm(self, th_4: bytes, pool: bytes, dh: bytes, psk: bytes) -> Confirmation:
        """Return the keys of ACK, END and OPEN, formula (10)."""

    def root(self, confirmation: Confirmation, th_6: bytes) -> RootKey:
        """Return RK_0."""

    def mac_key(self, chain: ChainKey, context: bytes) -> bytes:
        """Return K_H, which verifies every attempt of one message."""

    def seal(self, chain: ChainKey, context: bytes, attempt: int, rand: bytes, text: bytes) -> tuple[bytes, bytes]:
        """Encrypt one attempt, formulas (11) and (12); return the whole frame and its tag T."""

    def open(self, chain: ChainKey, context: bytes, attempt: int, message: bytes) -> tuple[bytes, bytes]:
        """Decrypt a message whose tag was verified; return (Rand, text)."""

    def acknowledge(self, chain: ChainKey, context: bytes, attempt: int, tag: bytes, rand_b: bytes) -> bytes:
        """Return the DACK frame for the accepted attempt, formula (13)."""

    def accept(self, chain: ChainKey, context: bytes, attempt: int, tag: bytes, message: bytes, received_tag: bytes) -> bytes:
        """Verify a DACK's Message and tag; return RandB, or raise AuthenticationError."""

    def step(self, chain: ChainKey, context: bytes, attempt: int, randoms: bytes, text: bytes, tag: bytes) -> ChainKey:
        """Return the next chain key, formulas (14) and (15); `randoms` = Rand || RandB of the accepted attempt."""

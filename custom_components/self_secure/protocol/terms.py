"""What a negotiation is made with and what it results in, and its small formulas (protocol.md 5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from . import limits
from .collection import StopRule
from .errors import Cause, LocalError
from .events import PairingRecord
from .keys import RootKey, digest, mac
from .packets import Frame, FrameType, NakReason
from .suites import Suite

_NAK_OF: Final = {
    Cause.TOO_FEW_PACKETS: NakReason.TOO_FEW,
    Cause.LOW_SECRECY: NakReason.TOO_FEW,
    Cause.CONFLICTS: NakReason.CONFLICTS,
    Cause.SUITE_BELOW_FLOOR: NakReason.SUITE,
    Cause.WRONG_MAC: NakReason.MAC,
    Cause.BUSY: NakReason.BUSY,
}


class HumanCheckSlot:
    """One hybrid negotiation per hub is between ACK and the user's answer (protocol.md 5 rule 8)."""

    def __init__(self) -> None:
        """Start free."""
        self._owner: object | None = None

    def acquire(self, owner: object) -> bool:
        """Take the slot for `owner`; False if another one has it."""
        if self._owner not in (None, owner):
            return False
        self._owner = owner
        return True

    def release(self, owner: object) -> None:
        """Give the slot back if `owner` has it."""
        if self._owner is owner:
            self._owner = None

    @property
    def is_free(self) -> bool:
        """Whether nobody's code waits for the user."""
        return self._owner is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the responder asks of a negotiation."""

    hub_id: bytes  # id_R
    floor: int
    rule: StopRule
    human_check: HumanCheckSlot
    expected_identity: bytes | None = None  # when a known device pairs again
    relayed: bool = False  # through a relay: in `hybrid` and with the code compared, or not at all (protocol.md 10)
    keys_full: Callable[[], bool] = lambda: False  # no room for one more key of this device (rule 7)
    psk: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """LocalError for a short PSK."""
        if 0 < len(self.psk) < limits.PSK_MIN:
            raise LocalError("a PSK has at least 128 bits")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A negotiated key, before the user's answer."""

    identity: bytes
    suite: Suite
    root: RootKey
    code: str = field(repr=False)
    record: PairingRecord


def nak_frame(cause: Cause) -> bytes:
    """Return the NAK that tells the initiator why it ends."""
    return Frame(FrameType.NAK, bytes([_NAK_OF.get(cause, NakReason.CANCELLED)])).encode()


def t_1(packets: int, interval_ms: int) -> float:
    """T_1 = N (interval + 5 ms) 1.1 + 1 s, in seconds."""
    return packets * (interval_ms / 1000 + limits.SLACK_PER_PACKET) * limits.T_1_FACTOR + limits.T_1_EXTRA


def code_of(r_i: bytes, r_r: bytes, th_4: bytes) -> str:
    """Return u64(HM(r_I || r_R, "SSC1 sas" || th_4)[:8]) mod 1,000,000 as six digits."""
    number = int.from_bytes(mac(r_i + r_r, b"SSC1 sas" + th_4)[:8])
    return f"{number % limits.CODE_MODULUS:06d}"


def commitment(r_i: bytes, th_3: bytes) -> bytes:
    """c_I = H("SSC1 commit" || r_I || th_3)."""
    return digest(b"SSC1 commit" + r_i + th_3)

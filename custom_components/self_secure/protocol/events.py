"""What comes out of a connection, in the order in which it has to be done (architecture.md).

`Persist` is the one that orders all others: whoever drives the connection makes the snapshot durable, calls
`Connection.persisted`, and only then gets what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final

from .errors import Cause


class MessageType(IntEnum):
    """Types of a DATA message (protocol.md 6)."""

    READINGS = 0x01  # BTHome v2 objects
    TEXT = 0x02  # UTF-8
    BYTES = 0x03
    EVENT = 0x04  # BTHome v2 event objects
    VERIFIED = 0x05  # u8: 1 compared, 0 not
    INFO = 0x06  # (tag u8, len u8, value)*
    RELAY = 0x07
    GROUP_KEY = 0x08
    GROUP_SYNC = 0x09
    ROUTE = 0x0A
    FORGET = 0x1F  # the hub erases its keys of the device: only as the first message of an epoch that a resume has begun


CARRIED: Final = frozenset({MessageType.RELAY, MessageType.ROUTE})
"""Parts of a path through a relay, which ends with its connection (protocol.md 10)."""


class Verdict(StrEnum):
    """The user's answer to the code (protocol.md 5 rule 8)."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_SHOWN = "not_shown"  # the device shows none: paired as unverified


@dataclass(frozen=True, slots=True)
class PairingRecord:
    """What is kept, and shown, of how a key came about; holds no secret."""

    suite: int
    verified: bool
    packets: int  # |S'|
    loss: float  # share of the broadcast that the hub missed, 0..1
    secrecy_bits: float  # protocol.md 5 rule 3, at the assumed loss
    assumed_loss: int  # percent
    conflicts: int
    scanners: int
    floor: int = 0x11  # lowest suite that the user accepted then
    relayed: bool = False  # through a relay, which heard every random packet: no secrecy from packet loss against it


@dataclass(frozen=True, slots=True)
class Persist:
    """Make `snapshot` durable (JSON types only), then call `persisted` or `persist_failed`."""

    snapshot: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Transmit:
    """Write one fragment to the link, with response, in order."""

    fragment: bytes


@dataclass(frozen=True, slots=True)
class LinkUnneeded:
    """Close the link: the peer can only go on without it, or nothing is left to do."""


@dataclass(frozen=True, slots=True)
class PairingProgressed:
    """The state of the collection, for a progress bar."""

    packets: int  # |S| so far
    span: int  # packets sent in the same time, by their Seq
    loss: float  # 0..1
    secrecy_bits: float
    target_bits: int
    minimum: int  # N_r
    conflicts: int
    scanners: int
    fraction: float  # of what the stop rule asks for, 0..1
    seconds_left: float  # estimate


@dataclass(frozen=True, slots=True)
class CodeReady:
    """Both sides hold the key; the user has to compare `code` (six digits)."""

    identity: bytes
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PairingCompleted:
    """The key is stored and in force."""

    identity: bytes
    record: PairingRecord


@dataclass(frozen=True, slots=True)
class PairingFailed:
    """The negotiation ended without a key, and nothing of it is stored.

    `suspicious`: it ended after END had left, or the codes differ: somebody may sit between (protocol.md 5 rule 8).
    """

    cause: Cause
    suspicious: bool


@dataclass(frozen=True, slots=True)
class PairingRequested:
    """The device asked for a key while no pairing window is open; it got no answer. Limited as protocol.md 5 rule 6 says."""

    identity: bytes


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """An authentic message, delivered once."""

    type: int
    id: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageDelivered:
    """The device acknowledged the message (received, not done)."""

    handle: int
    id: int
    attempts: int
    seconds: float  # from the first sending


@dataclass(frozen=True, slots=True)
class MessageDelayed:
    """No acknowledgement after all attempts; it stays queued and goes out after the next resume."""

    handle: int
    attempts: int


@dataclass(frozen=True, slots=True)
class MessageAbandoned:
    """It went out under a pairing that has been replaced: nobody knows whether it arrived; it is not repeated.

    Or it belonged to a path and was not sent before the connection ended.
    """

    handle: int


@dataclass(frozen=True, slots=True)
class GroupSettled:
    """What became of a group message on its way to this device: accepted, or not sent to it any more.

    Not delivered means missed, or that nobody knows: a member that has lost its memory meanwhile may have had it.
    """

    gid: int
    version: int
    n: int
    delivered: bool
    seconds: float  # from the first sending to the receipt


@dataclass(frozen=True, slots=True)
class GroupKeyed:
    """The device holds the key of this version of a group."""

    gid: int
    version: int


@dataclass(frozen=True, slots=True)
class GroupSynced:
    """The device has lost the key of a group, of which it has known `version`, or has `refused` the one that it was sent in this epoch."""

    gid: int
    version: int
    refused: bool


@dataclass(frozen=True, slots=True)
class EpochStarted:
    """New chains: after a pairing (`resumed` false) or a resume."""

    epoch: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class ResumeFailed:
    """A resume ended without a new epoch; `failures` in a row, all keys kept."""

    failures: int
    reason: str  # "no_common_epoch" or "unanswered"


@dataclass(frozen=True, slots=True)
class CloneSuspected:
    """Both sides authenticated, but their chains differ: somebody else used a copy of the key (protocol.md 7)."""


@dataclass(frozen=True, slots=True)
class StaleKeyHinted:
    """An unauthenticated R1 named a key that was replaced: a hint for the log, no alarm."""


@dataclass(frozen=True, slots=True)
class FrameDropped:
    """A frame changed nothing; for the debug log and the counters."""

    frame_type: int  # -1 when not even the header could be read
    reason: str


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """A write failed: this connection is dead; build a new one from what is on disk."""


type Event = (
    Persist
    | Transmit
    | LinkUnneeded
    | PairingProgressed
    | CodeReady
    | PairingCompleted
    | PairingFailed
    | PairingRequested
    | MessageReceived
    | MessageDelivered
    | MessageDelayed
    | MessageAbandoned
    | GroupSettled
    | GroupKeyed
    | GroupSynced
    | EpochStarted
    | ResumeFailed
    | CloneSuspected
    | StaleKeyHinted
    | FrameDropped
    | StoreFailed
)

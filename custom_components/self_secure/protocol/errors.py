"""The error tree of the protocol, split by who erred.

ProtocolError
├── LocalError                the caller broke the contract; nothing was sent
│   ├── MessageTooLargeError
│   ├── QueueFullError
│   ├── CommandError          a group takes information only: any member could forge a command
│   ├── GroupUsedUpError      there is no version left: the group has to be made anew
│   ├── NotPairedError
│   └── StoppedError          stopping, or a write failed: no new state may be used
├── RemoteError               the peer's bytes: the frame is dropped, counted, and changes nothing
│   ├── MalformedError        does not decode (length, range, left-over bytes)
│   ├── UnexpectedError       well formed, but not allowed in the present state
│   ├── AuthenticationError   a MAC, commitment or nonce does not fit
│   └── ChainJumpedError      suite `paper`: the acknowledgement is ahead of us; the chain is frozen
├── NegotiationError          the negotiation ends; carries its `Cause`
└── SnapshotError             what was stored cannot be used
    └── SnapshotVersionError  it was written by a newer version
"""

from enum import StrEnum
from typing import override


class ProtocolError(Exception):
    """Base of everything that the protocol raises."""


class LocalError(ProtocolError):
    """The caller asked for something that the contract excludes."""


class MessageTooLargeError(LocalError):
    """The body is longer than one DATA frame carries (protocol.md 4)."""


class QueueFullError(LocalError):
    """The queue of this device is full (protocol.md 4)."""


class CommandError(LocalError):
    """A group carries information only, for every member could forge what it carries (protocol.md 9)."""


class GroupUsedUpError(LocalError):
    """The group has had its last version (protocol.md 9)."""


class NotPairedError(LocalError):
    """There is no key with this device."""


class StoppedError(LocalError):
    """The connection is stopping or its last write failed (protocol.md 7)."""


class RemoteError(ProtocolError):
    """The peer's bytes cannot be accepted; no state changed."""


class MalformedError(RemoteError):
    """The bytes do not decode."""


class UnexpectedError(RemoteError):
    """The frame is not allowed in the present state."""


class AuthenticationError(RemoteError):
    """A MAC, a commitment or a nonce does not fit."""


class ChainJumpedError(RemoteError):
    """An authentic acknowledgement is ahead of the chain: it never jumps, it freezes (protocol.md 8)."""


class Cause(StrEnum):
    """Why a negotiation failed (protocol.md 5 rule 9); the user reads each as its own text."""

    NO_REQUEST = "no_request"  # the device never asked for a key
    TOO_FEW_PACKETS = "too_few_packets"
    LOW_SECRECY = "low_secrecy"  # the set does not reach the target (rules 2 and 3)
    CONFLICTS = "conflicts"
    WRONG_MAC = "wrong_mac"
    NO_ACK = "no_ack"
    NO_OPEN = "no_open"
    SUITE_BELOW_FLOOR = "suite_below_floor"
    BUSY = "busy"  # another negotiation waits for the user, or too many keys
    WRONG_DEVICE = "wrong_device"  # another identity than the one to pair again
    TIMEOUT = "timeout"  # no connection within the time
    CANCELLED = "cancelled"
    DIFFERENT_CODE = "different_code"  # the user saw two codes
    NO_ANSWER = "no_answer"  # the user did not compare in time
    NOT_STORED = "not_stored"  # the key could not be written


class NegotiationError(ProtocolError):
    """The running negotiation has failed."""

    def __init__(self, cause: Cause) -> None:
        """Carry `cause` to the layer above."""
        super().__init__(cause.value)
        self.cause = cause

    @override
    def __repr__(self) -> str:
        return f"NegotiationError({self.cause.value})"


class SnapshotError(ProtocolError):
    """What was stored cannot be used."""


class SnapshotVersionError(SnapshotError):
    """The snapshot was written by a newer version of this integration."""

"""Group messages, hub to many: the keys, the frame, and what the pairwise chains carry about them (protocol.md 9)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
import struct
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from . import limits
from .errors import CommandError, LocalError, MalformedError, MessageTooLargeError
from .events import MessageType
from .keys import Key, expand, mac
from .packets import Frame, FrameType

INFORMATION: Final = frozenset({MessageType.TEXT, MessageType.READINGS})  # all that a group carries
RECEIPT_TAG: Final = 6  # of INFO: the last group message that a member accepted
_PLACE: Final = struct.Struct(">HII")  # g = gid || version || n
_GROUP: Final = struct.Struct(">HI")  # gid || version
_COUNTER_0: Final = CTR(bytes(16))


class GroupChainKey(Key):
    """GCK_n: seals the message n of one version of a group; memory only."""

    __slots__ = ()

    def step(self) -> Self:
        """GCK_(n+1) = HM(GCK_n, "SSC1 gstep")."""
        return type(self)(mac(self.raw, b"SSC1 gstep"))


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One message of one version of a group; `bytes` gives g."""

    gid: int
    version: int
    n: int

    def __bytes__(self) -> bytes:
        """Return gid u16, version u32, n u32."""
        return _PLACE.pack(self.gid, self.version, self.n)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Invert `bytes`; MalformedError on another length."""
        if len(data) != _PLACE.size:
            raise MalformedError("a place in a group has 10 bytes")
        return cls(*_PLACE.unpack(data))

    def reaches(self, other: Place) -> bool:
        """Tell whether who expects this message can go forward to the other one."""
        same = (self.gid, self.version) == (other.gid, other.version)
        return same and 0 <= other.n - self.n <= limits.GROUP_SKIP_MAX


@dataclass(frozen=True, slots=True)
class GroupKey:
    """GCK_n and its place: what GROUP_KEY carries, and what a message is sealed with."""

    place: Place
    key: GroupChainKey

    def encode(self) -> bytes:
        """Return the body of GROUP_KEY."""
        return bytes(self.place) + self.key.raw

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Invert `encode`; MalformedError on another length."""
        if len(body) != _PLACE.size + limits.DIGEST_SIZE:
            raise MalformedError("GROUP_KEY has 42 bytes")
        return cls(Place.decode(body[: _PLACE.size]), GroupChainKey(body[_PLACE.size :]))

    def step(self) -> Self:
        """Return the key of the next message; LocalError after the last one of a version."""
        place = self.place
        if place.n == limits.U32_MAX:
            raise LocalError("this version of the group has had its last message")
        return type(self)(Place(place.gid, place.version, place.n + 1), self.key.step())

    def seal(self, kind: int, body: bytes) -> GroupMessage:
        """Return the frame: C = AES-256-CTR(K_E)(type || body), HMAC over header || g || C.

        CommandError for what is no information, MessageTooLargeError for a body that no message may have.
        """
        if kind not in INFORMATION:
            raise CommandError(f"no message of type {kind} to a group")
        if len(body) > limits.BODY_MAX:
            raise MessageTooLargeError(f"at most {limits.BODY_MAX} bytes")
        place = bytes(self.place)
        sealed = Cipher(AES256(expand(self.key.raw, b"SSC1 genc" + place)), _COUNTER_0).encryptor().update(bytes([kind]) + body)
        message = _GROUP.pack(self.place.gid, self.place.version) + sealed
        frame = Frame(FrameType.GROUP, message, seq=self.place.n)
        tag = mac(expand(self.key.raw, b"SSC1 gmac" + place), frame.header + place + sealed)[: limits.MAC_SIZE]
        return GroupMessage(self, frame.authenticated + tag)


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """One sealed message, with its key as long as any member still waits for it."""

    key: GroupKey
    frame: bytes = field(repr=False)

    @property
    def place(self) -> Place:
        """Where in the group it stands."""
        return self.key.place


def decode_sync(body: bytes) -> tuple[int, int]:
    """Return gid and version of a GROUP_SYNC; MalformedError on another length."""
    if len(body) != _GROUP.size:
        raise MalformedError("GROUP_SYNC has 6 bytes")
    gid, version = _GROUP.unpack(body)
    return gid, version


def receipts(info: bytes) -> Iterator[Place]:
    """Yield the receipts in the body of an INFO; what is malformed ends it."""
    at = 0
    while at + 2 <= len(info):
        tag, end = info[at], at + 2 + info[at + 1]
        if tag == RECEIPT_TAG and end <= len(info) and end - at - 2 == _PLACE.size:
            yield Place.decode(info[at + 2 : end])
        at = end

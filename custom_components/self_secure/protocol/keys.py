"""One type per kind of key, and the primitives they rest on (protocol.md, notation).

`repr` never shows a secret; keys are compared in constant time. Only a `StoreKey` may leave memory.
"""

import hashlib
import hmac
import struct
from typing import Final, Protocol, Self, override

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from . import limits
from .errors import AuthenticationError

NO_DIGEST: Final = bytes(limits.DIGEST_SIZE)
_BLOCK: Final = 64  # bytes that SHA-256 takes at once, and HMAC pads its key to
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))  # of RFC 2104, as tables for `translate`
_sha256: Final = hashlib.sha256


def digest(data: bytes) -> bytes:
    """Return H, SHA-256."""
    return _sha256(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    """Return HM, HMAC-SHA-256 (RFC 2104); `key` has at most 64 bytes.

    `hmac.digest` is the same, but sets up OpenSSL's own HMAC for each call, which takes longer than these two hashes.
    """
    block = key.ljust(_BLOCK, b"\0")
    return _sha256(block.translate(_OUTER) + _sha256(block.translate(_INNER) + data).digest()).digest()


def lp(data: bytes) -> bytes:
    """Return u16 length and the bytes."""
    return struct.pack(">H", len(data)) + data


def extract(salt: bytes, material: bytes) -> bytes:
    """Return Ext, HKDF-extract (RFC 5869)."""
    return mac(salt, material)


def expand(prk: bytes, info: bytes, size: int = limits.DIGEST_SIZE) -> bytes:
    """Return Exp, HKDF-expand (RFC 5869); at most one block of 32 bytes is ever needed."""
    return mac(prk, info + b"\x01")[:size]


def verify(expected: bytes, received: bytes, what: str) -> None:
    """AuthenticationError unless both are equal; constant time."""
    if not hmac.compare_digest(expected, received):
        raise AuthenticationError(what)


class Key:
    """32 secret bytes; subclasses say what they are for."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        """Hold `raw`; ValueError unless it has 32 bytes."""
        if len(raw) != limits.DIGEST_SIZE:
            raise ValueError("a key has 32 bytes")
        self.raw: Final = raw

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and type(other) is type(self) and hmac.compare_digest(self.raw, other.raw)

    __hash__ = None  # type: ignore[assignment]  # a secret has no place in a set or a dict


class ConfirmationKey(Key):
    """K_rsp, K_ack, K_end, K_open or FK_e: tags one kind of frame over its transcript."""

    __slots__ = ()

    def tag(self, transcript: bytes) -> bytes:
        """Return the first 16 bytes of HM over `transcript`."""
        return mac(self.raw, transcript)[: limits.MAC_SIZE]


class ChainKey(Key):
    """CK_i of one direction; memory only (protocol.md 6)."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, raw: bytes) -> None:
        """As `Key`; a message takes five HMACs under it, so the key is padded once."""
        super().__init__(raw)
        block = raw.ljust(_BLOCK, b"\0")
        self._inner, self._outer = block.translate(_INNER), block.translate(_OUTER)

    def mac(self, data: bytes) -> bytes:
        """Return HM under this key."""
        return _sha256(self._outer + _sha256(self._inner + data).digest()).digest()

    def expand(self, info: bytes) -> bytes:
        """Return Exp of this key, 32 bytes."""
        return _sha256(self._outer + _sha256(self._inner + info + b"\x01").digest()).digest()


class StoreKey(Key):
    """SK_e: the only key that is ever stored (protocol.md 7, the paper's W-round key)."""

    __slots__ = ()

    @property
    def kid(self) -> bytes:
        """Name of the key: 4 bytes."""
        return expand(self.raw, b"SSC1 kid", limits.KID_SIZE)

    def offer_tag(self, frame: bytes) -> bytes:
        """Return the MAC of this key's entry over R1 without its MACs."""
        return mac(expand(self.raw, b"SSC1 res auth"), b"R1" + frame)[: limits.MAC_SIZE]


class EpochRoot(Protocol):
    """What the chains of an epoch are made of."""

    def chain(self, direction: int) -> ChainKey:
        """First chain key of a direction."""

    def finish(self) -> ConfirmationKey:
        """Key of R2 and R3."""

    def store(self) -> StoreKey:
        """The one key that is stored; LocalError where each direction has its own."""


class RootKey(Key):
    """RK_e: makes the keys of one epoch and is dropped at once."""

    __slots__ = ()

    def chain(self, direction: int) -> ChainKey:
        """CK_0 of a direction (0 = initiator to responder)."""
        return ChainKey(expand(self.raw, b"SSC1 chain" + bytes([direction])))

    def store(self) -> StoreKey:
        """SK_e."""
        return StoreKey(expand(self.raw, b"SSC1 store"))

    def finish(self) -> ConfirmationKey:
        """FK_e."""
        return ConfirmationKey(expand(self.raw, b"SSC1 fin"))


class Transcript:
    """th_k = H(th_(k-1) || lp(m_k without its MAC)), th_0 = H("SSC1 v1") (protocol.md 5)."""

    __slots__ = ("value",)

    def __init__(self, value: bytes | None = None) -> None:
        """Start at th_0, or at a given value."""
        self.value = digest(b"SSC1 v1") if value is None else value

    def absorb(self, frame: bytes) -> Self:
        """Take in one frame without its MAC."""
        self.value = digest(self.value + lp(frame))
        return self


class DhKey:
    """An ephemeral X25519 private key; memory only."""

    __slots__ = ("_private", "public")

    def __init__(self, private: bytes) -> None:
        """Make it of 32 random bytes."""
        self._private: Final = X25519PrivateKey.from_private_bytes(private)
        self.public: Final = self._private.public_key().public_bytes_raw()

    def exchange(self, public: bytes) -> bytes:
        """Return DH; AuthenticationError on the all-zero result (a point of low order)."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise AuthenticationError("X25519 result is zero") from error

    @override
    def __repr__(self) -> str:
        return "<DhKey>"

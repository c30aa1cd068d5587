"""Key agreements: P-256 as Bluetooth's LE Secure Connections, and X25519 with an HMAC; one side each."""

import hmac
import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.harness import Bench

_CURVE: Final = ec.SECP256R1()
_SALT: Final = bytes.fromhex("6C888391AAF5A53860370BDB5A6083BE")  # of f5 (Bluetooth Core, Vol 3, Part H, 2.2.7)
_ADDRESSES: Final = (bytes(7), bytes(7))
_UNIT: Final = "agreement, 1 side"


def register(bench: Bench) -> None:
    """Add the cases."""
    p_256 = _public(ec.generate_private_key(_CURVE))
    x25519 = X25519PrivateKey.generate().public_key().public_bytes_raw()
    bench.call("agreement", "P-256, as LE Secure Connections", lambda: _secure_connections(p_256), unit=_UNIT)
    bench.call("agreement", "X25519 and HMAC", lambda: _x25519(x25519), unit=_UNIT)


def _public(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _cmac(key: bytes, data: bytes) -> bytes:
    made = CMAC(AES(key))
    made.update(data)
    return made.finalize()


def _secure_connections(peer: bytes) -> bytes:
    """Numeric comparison: ECDH, f4, g2, f5 and both f6."""
    private = ec.generate_private_key(_CURVE)
    public = _public(private)
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, peer))
    ours, theirs = secrets.token_bytes(16), secrets.token_bytes(16)
    _cmac(ours, public[1:33] + peer[1:33] + b"\0")  # f4
    _cmac(ours, public[1:33] + peer[1:33] + theirs)  # g2
    secret = _cmac(_SALT, shared)  # f5
    tail = b"btle" + ours + theirs + b"".join(_ADDRESSES) + b"\x01\x00"
    mac_key, long_term = _cmac(secret, b"\0" + tail), _cmac(secret, b"\1" + tail)
    _cmac(mac_key, ours + theirs + bytes(19) + b"".join(_ADDRESSES))  # f6
    _cmac(mac_key, theirs + ours + bytes(19) + b"".join(_ADDRESSES))
    return long_term


def _x25519(peer: bytes) -> bytes:
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    shared = private.exchange(X25519PublicKey.from_public_bytes(peer))
    return hmac.digest(shared, b"confirm" + public + peer, "sha256")

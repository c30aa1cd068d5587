"""What the core computes in Python because a microcontroller has nothing better, from CPython's libraries under the same names.

The core's own are what MicroPython runs; here they cost several times as long. Both are held against the same known answers.
"""

from hashlib import sha256 as _sha256
from hmac import compare_digest
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from self_secure_device import crypto, x25519

_COUNTER_0: Final = CTR(bytes(crypto.AES_BLOCK))
_INNER, _OUTER = (bytes(byte ^ pad[0] for byte in range(256)) for pad in (crypto.INNER_PAD, crypto.OUTER_PAD))  # for `translate`


def sha256(*parts: bytes) -> bytes:
    """H over the concatenated parts: 32 bytes."""
    return _sha256(b"".join(parts)).digest()


def hmac(key: bytes, *parts: bytes) -> bytes:
    """HM(key, parts): 32 bytes. OpenSSL takes longer to set up its own HMAC than for these two hashes."""
    if len(key) > crypto.HASH_BLOCK:
        key = _sha256(key).digest()
    block = key.ljust(crypto.HASH_BLOCK, b"\0")
    return _sha256(block.translate(_OUTER) + _sha256(block.translate(_INNER) + b"".join(parts)).digest()).digest()


def counter_mode(key: bytes, data: bytes) -> bytes:
    """AES-256-CTR from counter block 0."""
    return Cipher(AES256(key), _COUNTER_0).encryptor().update(data)


def multiply(secret: bytes, point: bytes) -> bytes:
    """Return the 32 bytes of X25519(secret, point), all zeros included."""
    private = X25519PrivateKey.from_private_bytes(secret)
    if point == x25519.BASE_POINT:
        return private.public_key().public_bytes_raw()
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:  # the library refuses the all-zero result itself
        return x25519.NO_KEY


def register() -> None:
    """Put them in place of the core's; nothing of the core may have been imported that takes the old ones along."""
    crypto.sha256, crypto.hmac, crypto.counter_mode, crypto.equal = sha256, hmac, counter_mode, compare_digest
    x25519.multiply = multiply

"""The primitives themselves, one call each, as our code calls them."""

import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from .harness import Bench


def register(bench: Bench) -> None:
    """Add the cases."""
    key, data, nonce, counter = bytes(range(32)), bytes(64), bytes(12), CTR(bytes(16))
    ccm, chacha = AESCCM(key[:16], tag_length=4), ChaCha20Poly1305(key)
    private, public = X25519PrivateKey.generate(), X25519PrivateKey.generate().public_key().public_bytes_raw()
    for name, function in (
        ("SHA-256", lambda: hashlib.sha256(data).digest()),
        ("HMAC-SHA-256", lambda: hmac.digest(key, data, "sha256")),
        ("AES-256-CTR, new key", lambda: Cipher(AES256(key), counter).encryptor().update(data)),
        ("AES-128-CCM seal", lambda: ccm.encrypt(nonce, data, None)),
        ("ChaCha20-Poly1305 seal", lambda: chacha.encrypt(nonce, data, None)),
    ):
        bench.call("primitive", name, function, size=len(data), unit="call")
    bench.call("primitive", "16 random bytes", lambda: secrets.token_bytes(16), unit="call")
    bench.call("primitive", "X25519 key pair", lambda: X25519PrivateKey.generate().public_key().public_bytes_raw(), unit="call")
    bench.call("primitive", "X25519 exchange", lambda: private.exchange(X25519PublicKey.from_public_bytes(public)), unit="call")

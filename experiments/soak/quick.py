"""The library's X25519 in place of the device's own ladder while a soak runs: the same function, a dozen times faster.

The ladder itself is checked by the known answers of tests/device and tests/vectors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from self_secure_device import x25519


def multiply(secret: bytes, point: bytes) -> bytes:
    """X25519(secret, point), all zeros included, as the device's function of that name."""
    private = X25519PrivateKey.from_private_bytes(secret)
    if point == x25519.BASE_POINT:
        return private.public_key().public_bytes_raw()
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:
        return x25519.NO_KEY


@contextmanager
def library_x25519() -> Iterator[None]:
    """Use it while this lasts."""
    own = x25519.multiply
    x25519.multiply = multiply
    try:
        yield
    finally:
        x25519.multiply = own

"""X25519 in plain Python (RFC 7748): a Montgomery ladder, used at pairing and at epochs only."""

from .errors import CryptoError

KEY_BYTES = 32
PRIME = 2**255 - 19
A24 = 121665
BASE_POINT = b"\x09" + bytes(31)
NO_KEY = bytes(KEY_BYTES)  # stands on the wire where a suite has no X25519


def _scalar(secret):
    value = int.from_bytes(secret, "little")
    value &= (1 << 255) - 8
    return value | (1 << 254)


def _step(base, x2, z2, x3, z3):
    """Return one ladder step: (x2, z2) doubled, and the sum of both points."""
    a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
    aa, bb = a * a % PRIME, b * b % PRIME
    da, cb = d * a % PRIME, c * b % PRIME
    difference = aa - bb
    return (
        aa * bb % PRIME,
        difference * (aa + A24 * difference) % PRIME,
        (da + cb) * (da + cb) % PRIME,
        base * (da - cb) * (da - cb) % PRIME,
    )


def multiply(secret, point):
    """Return the 32 bytes of X25519(secret, point), all zeros included."""
    scalar = _scalar(secret)
    base = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3 = 1, 0, base, 1
    for position in range(254, -1, -1):
        if scalar >> position & 1:
            x3, z3, x2, z2 = _step(base, x3, z3, x2, z2)
        else:
            x2, z2, x3, z3 = _step(base, x2, z2, x3, z3)
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(KEY_BYTES, "little")


def public_key(secret):
    """Return the public key of a 32-byte secret."""
    return multiply(secret, BASE_POINT)


def exchange(secret, peer):
    """Return the shared secret; CryptoError when it is all zeros (protocol.md 5)."""
    shared = multiply(secret, peer)
    if shared == NO_KEY:
        raise CryptoError("all-zero X25519 result")
    return shared

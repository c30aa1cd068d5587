"""Hash, HMAC, HKDF and counter mode over what every MicroPython firmware has (protocol.md, notation).

``cryptolib`` has AES in ECB mode only, and ``hashlib`` objects can neither be copied nor be asked twice: hence counter mode as
one ECB call over the counter blocks.
"""

import hashlib

from cryptolib import aes

AES_ECB = 1  # cryptolib's number of the mode
AES_BLOCK = 16
HASH_BLOCK = 64  # bytes, SHA-256's input block, which HMAC pads its key to
INNER_PAD, OUTER_PAD = b"\x36" * HASH_BLOCK, b"\x5c" * HASH_BLOCK  # of HMAC
TAG_BYTES = 16  # every truncated MAC on the wire


def u16(number):
    """Two bytes, big-endian."""
    return number.to_bytes(2, "big")


def u32(number):
    """Four bytes, big-endian."""
    return number.to_bytes(4, "big")


def u64(number):
    """Eight bytes, big-endian."""
    return number.to_bytes(8, "big")


def number(data):
    """Return the big-endian number in ``data``."""
    return int.from_bytes(data, "big")


def lp(data):
    """Return ``data`` behind its length as u16."""
    return u16(len(data)) + data


def sha256(*parts):
    """H over the concatenated parts: 32 bytes."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def hmac(key, *parts):
    """HM(key, parts): 32 bytes. No key is used often enough to keep its two pads."""
    if len(key) > HASH_BLOCK:
        key = sha256(key)
    key = key + bytes(HASH_BLOCK - len(key))
    return sha256(xor(key, OUTER_PAD), sha256(xor(key, INNER_PAD), *parts))


def tag(key, *parts):
    """Return the first 16 bytes of HM(key, parts): the MAC of a frame."""
    return hmac(key, *parts)[:TAG_BYTES]


def extract(salt, ikm):
    """Ext: HKDF-Extract of RFC 5869."""
    return hmac(salt, ikm)


def expand(prk, info, length=32):
    """Exp for at most 32 bytes: the first block of HKDF-Expand, all that the specification needs."""
    return hmac(prk, info, b"\x01")[:length]


def equal(left, right):
    """Compare two byte strings in a time that tells nothing about where they differ."""
    if len(left) != len(right):
        return False
    difference = 0
    for a, b in zip(left, right):
        difference |= a ^ b
    return difference == 0


def xor(left, right):
    """XOR of two byte strings of one length."""
    return (number(left) ^ number(right)).to_bytes(len(left), "big")


def counter_mode(key, data):
    """AES-256-CTR from counter block 0; sealing and opening are the same call."""
    counters = bytearray((len(data) + AES_BLOCK - 1) // AES_BLOCK * AES_BLOCK)
    for block in range(len(counters) // AES_BLOCK):  # at most 64: a frame has 1,024 bytes
        counters[block * AES_BLOCK + AES_BLOCK - 1] = block
    stream = aes(key, AES_ECB).encrypt(counters)
    return xor(data, stream[: len(data)]) if data else b""

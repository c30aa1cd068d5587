"""The paper's formulas (2) to (15), resolved in protocol.md 8: bytes in, bytes out, nothing kept."""

import hashlib

from cryptolib import aes

from ..crypto import AES_BLOCK, INNER_PAD, OUTER_PAD, hmac, sha256, u32, xor

AES_CBC = 2  # cryptolib's number of the mode
KEY_BYTES = 32
MD5_BLOCK = 64  # bytes, MD5's input block, which HMAC pads its key to
NO_IV = bytes(AES_BLOCK)  # formula (11): safe, the first blocks are the uniform OAEP part Y


def padded_length(length):
    """Return the length of P_p zero-padded to whole blocks."""
    return (length + AES_BLOCK - 1) // AES_BLOCK * AES_BLOCK


def mask(seed, length):
    """MGF1-SHA256."""
    stream, index = b"", 0
    while len(stream) < length:
        stream += sha256(seed, u32(index))
        index += 1
    return stream[:length]


def pad(plain, seed):
    """OAEP, formula (2): P_m = Y, X; ``seed`` is a, 32 bytes that are never used again."""
    plain = plain + bytes(padded_length(len(plain)) - len(plain))
    masked = xor(plain, mask(seed, len(plain)))
    return xor(seed, sha256(masked)) + masked


def unpad(padded):
    """Invert OAEP, formula (4): return P_p with its zeros."""
    masked = padded[KEY_BYTES:]
    return xor(masked, mask(xor(padded[:KEY_BYTES], sha256(masked)), len(masked)))


def initial_key(randoms):
    """K_0, formulas (6) and (7), of the random messages in ascending Seq."""
    digest = hashlib.sha256()
    for random in randoms:
        digest.update(sha256(random))
    return digest.digest()


def derived_key(initial):
    """K_D, formula (8): PBKDF2-HMAC-SHA256 with one zero byte of salt and one iteration is one HMAC."""
    return hmac(initial, b"\x00", u32(1))


def _md5(*parts):
    digest = hashlib.md5()
    for part in parts:
        digest.update(part)
    return digest.digest()


def response_tag(derived, coded):
    """HMAC_rsp, formula (9): HMAC-MD5 of Cpr_s, 16 bytes."""
    key = derived + bytes(MD5_BLOCK - len(derived))
    return _md5(xor(key, OUTER_PAD), _md5(xor(key, INNER_PAD), coded))


def acknowledge_tag(derived, rand):
    """HMAC_ack, formula (10)."""
    return hmac(derived, rand)


def end_tag(derived, rand):
    """HMAC of END, formula (10); ``rand`` is ACK's."""
    return hmac(derived, b"end", rand)


def direction_key(initial, direction):
    """K_0 of one direction."""
    return hmac(initial, b"SSC1 dir", bytes([direction]))


def split(key):
    """Return K_H, K_E and K_A of a communication key."""
    parts, last = [], b""
    for count in (1, 2, 3):
        last = hmac(key, last, b"SSC0 split", bytes([count]))
        parts.append(last)
    return parts


def encrypt(key, padded):
    """P_c, formula (11)."""
    return aes(key, AES_CBC, NO_IV).encrypt(padded)


def decrypt(key, sealed):
    """P_m of a P_c of whole blocks."""
    return aes(key, AES_CBC, NO_IV).decrypt(sealed)


def data_tag(key, padded):
    """HMAC of a DATA packet, formula (12)."""
    return hmac(key, padded)


def acknowledgement(key, padded):
    """ACK, formula (13): the exchange swaps the two OAEP parts."""
    return hmac(key, padded[KEY_BYTES:], padded[:KEY_BYTES])


def next_key(key, message, rand, seq, retran):
    """K_{i+1}, formula (14), and (15) when the accepted attempt was a retransmission; ``seq`` is the message's."""
    mixed = xor(key, rand)
    for at in range(0, len(message), KEY_BYTES):
        part = message[at : at + KEY_BYTES]
        mixed = xor(mixed, part + bytes(KEY_BYTES - len(part)))
    return sha256(xor(mixed, seq.to_bytes(KEY_BYTES, "big")) if retran else mixed)


def resumed_key(stored, direction, nonce_i, nonce_r):
    """K_0 of one direction after a power loss, out of a W-round key."""
    return sha256(xor(stored, sha256(bytes([direction]), nonce_i, nonce_r)))

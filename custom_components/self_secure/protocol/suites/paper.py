"""Suite `paper`: formulas (1)-(15) of Hao and Xiao, as protocol.md 8 resolves them. For research and fidelity.

The names of the functions follow the paper: P_p the plain packet, P_m the OAEP-padded one, P_c the encrypted one.
"""

from collections.abc import Iterable
import hashlib
import hmac
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from ..errors import MalformedError
from ..keys import ChainKey, digest, mac

_HEAD: Final = struct.Struct(">BBHI")
_BLOCK: Final = 16
_SEED: Final = 32  # a of formula (2), and the length of Y
_FOLD: Final = 32  # K_i, Rand and Msg* are combined in blocks of this size
_IV_0: Final = bytes(_BLOCK)  # safe: the first blocks of P_m are the uniform OAEP part Y
MINIMUM: Final = 20  # N_r
N_MAX: Final = 2048
INTERVAL_MS: Final = 30
WAIT_S: Final = 15  # the waiting phase
W: Final = 32  # messages of one direction between two stored keys
RAND_SIZE: Final = 16
DATA_RAND_SIZE: Final = 32
HASH_SIZE: Final = 32
BODY_MAX: Final = 895  # bytes: clear byte 1 + Y 32 + P_p (8 + 32 + 9 + 895 = 944) + HMAC 32 <= 1,024
CPR_MAX: Final = 936  # bounds |S|: clear byte 1 + Y 32 + P_p (8 + 16 + 936 = 960) + HMAC-MD5 16 <= 1,024


def plain(phase: int, retran: int, seq: int, rand: bytes, message: bytes) -> bytes:
    """P_p, formula (1): Phase || Retran || Len || Seq || Rand || Message, zero-padded to whole blocks."""
    packet = _HEAD.pack(phase, retran, len(message), seq) + rand + message
    return packet + bytes(-len(packet) % _BLOCK)


def mgf1(seed: bytes, size: int) -> bytes:
    """MGF1 with SHA-256 (RFC 8017)."""
    blocks = (digest(seed + counter.to_bytes(4)) for counter in range(-(-size // HASH_SIZE)))
    return b"".join(blocks)[:size]


def xor(left: bytes, right: bytes) -> bytes:
    """Bytewise exclusive or of equal lengths."""
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))


def pad(packet: bytes, seed: bytes) -> bytes:
    """P_m = Y || X, formula (2): X = P_p xor MGF1(a), Y = a xor SHA-256(X); `seed` = a, 32 fresh random bytes."""
    masked = xor(packet, mgf1(seed, len(packet)))
    return xor(seed, digest(masked)) + masked


def unpad(padded: bytes) -> bytes:
    """P_p of P_m, formula (4)."""
    seed = xor(padded[:_SEED], digest(padded[_SEED:]))
    return xor(padded[_SEED:], mgf1(seed, len(padded) - _SEED))


def exchange(padded: bytes) -> bytes:
    """Swap the two OAEP parts: X || Y."""
    return padded[_SEED:] + padded[:_SEED]


def read_plain(packet: bytes, phase: int) -> tuple[int, int, bytes, bytes]:
    """Return (Retran, Seq, Rand, Message) of P_p; MalformedError unless Phase, Len and padding fit."""
    size = DATA_RAND_SIZE if phase == 0x10 else RAND_SIZE
    if len(packet) < _HEAD.size + size:
        raise MalformedError("P_p is too short")
    inner, retran, length, seq = _HEAD.unpack_from(packet)
    start, end = _HEAD.size + size, _HEAD.size + size + length
    if inner != phase or not end <= len(packet) < end + _BLOCK or any(packet[end:]):
        raise MalformedError("Phase, Len or padding of P_p")
    return retran, seq, packet[_HEAD.size : start], packet[start:end]


def with_hash(padded: bytes) -> bytes:
    """P_m || Hash, formula (3)."""
    return padded + digest(padded)


def initial_key(values: Iterable[bytes]) -> bytes:
    """K_0, formulas (6) and (7): SHA-256 over the digests of m[i] in ascending Seq."""
    return digest(b"".join(digest(value) for value in values))


def derived_key(k_0: bytes) -> bytes:
    """K_D, formula (8): PBKDF2-HMAC-SHA256(K_0, one zero byte, 1 iteration)."""
    return hashlib.pbkdf2_hmac("sha256", k_0, b"\x00", 1)


def response_tag(k_d: bytes, cpr_s: bytes) -> bytes:
    """HMAC_rsp, formula (9): HMAC-MD5(K_D, Cpr_s), 16 bytes."""
    return hmac.digest(k_d, cpr_s, "md5")


def ack_tag(k_d: bytes, rand: bytes) -> bytes:
    """HMAC_ack, formula (10)."""
    return mac(k_d, rand)


def end_tag(k_d: bytes, rand: bytes) -> bytes:
    """Tail of END: HMAC-SHA-256(K_D, "end" || Rand of ACK)."""
    return mac(k_d, b"end" + rand)


def direction_key(k_0: bytes, direction: int) -> ChainKey:
    """K_0^d = HMAC-SHA-256(K_0, "SSC1 dir" || d)."""
    return ChainKey(mac(k_0, b"SSC1 dir" + bytes([direction])))


def split(key: ChainKey) -> tuple[bytes, bytes, bytes]:
    """K_H, K_E, K_A = HKDF-Expand(K_i, "SSC0 split", 96)."""
    out, block = b"", b""
    for number in (1, 2, 3):
        block = mac(key.raw, block + b"SSC0 split" + bytes([number]))
        out += block
    return out[:32], out[32:64], out[64:]


def encrypt(key: bytes, padded: bytes) -> bytes:
    """P_c, formula (11): AES-256-CBC(K_E, IV 0, P_m)."""
    return Cipher(AES256(key), CBC(_IV_0)).encryptor().update(padded)


def decrypt(key: bytes, encrypted: bytes) -> bytes:
    """P_m of P_c."""
    return Cipher(AES256(key), CBC(_IV_0)).decryptor().update(encrypted)


def acknowledgement(k_a: bytes, padded: bytes) -> bytes:
    """ACK, formula (13): HMAC-SHA-256(K_A, X || Y)."""
    return mac(k_a, exchange(padded))


def fold(message: bytes) -> bytes:
    """Msg*: zero-padded to whole blocks of 32 bytes, which are combined by exclusive or."""
    folded = bytes(_FOLD)
    for start in range(0, len(message), _FOLD):
        folded = xor(folded, message[start : start + _FOLD].ljust(_FOLD, b"\0"))
    return folded


def next_key(key: ChainKey, message: bytes, rand: bytes, seq: int, retran: int) -> ChainKey:
    """K_(i+1), formula (14); formula (15) adds Seq when the accepted attempt was a retransmission."""
    mixed = xor(xor(key.raw, fold(message)), rand)
    if retran:
        mixed = xor(mixed, seq.to_bytes(_FOLD))
    return ChainKey(digest(mixed))


def sid_of(request_message: bytes) -> int:
    """Sid = first byte of SHA-256(REQ's Message)."""
    return digest(request_message)[0]


def new_life_key(stored: bytes, direction: int, n_i: bytes, n_r: bytes) -> ChainKey:
    """K_0^d of a new life = SHA-256(K^d_jW xor SHA-256(d || n_I || n_R)); never the bare W-round key."""
    return ChainKey(digest(xor(stored, digest(bytes([direction]) + n_i + n_r))))

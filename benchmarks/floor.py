"""The primitives that one of our operations cannot do without, and nothing else: its floor (protocol.md 5 and 6)."""

from collections.abc import Callable
from dataclasses import dataclass
import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from .couple import LOSS, PACKETS
from .harness import Bench
from .messages import SIZES

# lengths of what is hashed, in bytes
_CTX: Final = 9
_TEXT_HEAD: Final = 9  # type, id
_HEADER: Final = 8
_RAND: Final = 16
_TAG: Final = 16
_DIGEST: Final = 32
_R: Final = 20
_COUNTER: Final = 1  # of HKDF
_REQ: Final = 96  # frames of a negotiation, with header, without MAC
_ACC: Final = 80
_BITMAP: Final = 3 + PACKETS // 6  # about: the coded set at 20 % loss
_RSP: Final = _HEADER + _BITMAP + 1
_ACK: Final = _HEADER + _BITMAP + _DIGEST
_END: Final = _HEADER + _RAND
_LP: Final = 2


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many bytes each call takes: HMAC-SHA-256, SHA-256, AES-256-CTR; and how many X25519 key pairs with their exchange."""

    macs: tuple[int, ...] = ()
    hashes: tuple[int, ...] = ()
    ciphers: tuple[int, ...] = ()
    agreements: int = 0

    def __add__(self, other: Recipe) -> Recipe:
        """Do both."""
        agreements = self.agreements + other.agreements
        return Recipe(self.macs + other.macs, self.hashes + other.hashes, self.ciphers + other.ciphers, agreements)


def sending(size: int) -> Recipe:
    """K_E, K_H, C, T of a body of `size` bytes."""
    sealed = _RAND + _TEXT_HEAD + size
    keys = (len(b"SSC1 enc") + _CTX + 1 + _COUNTER, len(b"SSC1 mac") + _CTX + _COUNTER)
    return Recipe(macs=(*keys, _HEADER + _CTX + sealed), ciphers=(sealed,))


def acknowledging(size: int) -> Recipe:
    """K_AE, K_A, T_a; and the step with the hash of the text: both sides do this once."""
    keys = (len(b"SSC1 ackenc") + _CTX + 1 + _COUNTER, len(b"SSC1 ack") + _CTX + _COUNTER)
    step = len(b"SSC1 step") + _CTX + 1 + 2 * _RAND + _DIGEST + _TAG
    return Recipe(macs=(*keys, 1 + _CTX + 1 + _TAG + _RAND, step), hashes=(_TEXT_HEAD + size,))


def half(size: int) -> Recipe:
    """One side of a message: seal or open it, then acknowledge and step."""
    return sending(size) + acknowledging(size)


def negotiation(*, hybrid: bool, device: bool) -> Recipe:
    """One side of a negotiation over `PACKETS` packets with S' = S; the device also makes the R_i, the hub does not."""
    label = len(b"SSC1 pkt")
    transcript = tuple(_DIGEST + _LP + frame for frame in (_REQ, _ACC, _RSP, _ACK, _END, _END))
    pool = (*(label + 1 + _LP + _R for _ in range(PACKETS)), len(b"SSC1 pool") + _DIGEST + _LP + PACKETS * (_LP + _DIGEST))
    commitment = (len(b"SSC1 commit") + _RAND + _DIGEST,)
    material = _LP + _DIGEST + _LP + (_DIGEST if hybrid else 0) + _LP
    confirm = (material, 9, _DIGEST, material, *(9, _DIGEST) * 3)  # K_rsp; PRK with K_ack, K_end, K_open
    finish = (len(b"SSC1 root") + _DIGEST + _COUNTER, len(b"SSC1 sas") + _DIGEST)
    broadcast = (len(b"SSC1 rand") + _RAND + _LP,) * round(PACKETS / (1 - LOSS)) if device else ()
    return Recipe((*broadcast, *confirm, *finish), (*transcript, *pool, *commitment), (), int(hybrid))


def cook(recipe: Recipe) -> Callable[[object, int], None]:
    """Return a loop that does what the recipe says."""
    key, counter, new = bytes(range(32)), CTR(bytes(16)), hmac.digest
    macs, hashes, ciphers = ([bytes(size) for size in sizes] for sizes in (recipe.macs, recipe.hashes, recipe.ciphers))
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()

    def loop(_state: object, n: int) -> None:
        for _ in range(n):
            for data in macs:
                new(key, data, "sha256")
            for data in hashes:
                hashlib.sha256(data).digest()
            for data in ciphers:
                Cipher(AES256(key), counter).encryptor().update(data)
            for _ in range(recipe.agreements):
                _agree(public)

    return loop


def _agree(public: bytes) -> None:
    private = X25519PrivateKey.generate()
    private.public_key().public_bytes_raw()
    private.exchange(X25519PublicKey.from_public_bytes(public))


def register(bench: Bench) -> None:
    """Add the floors."""
    for size in SIZES:
        bench.add("floor", "round trip", cook(half(size) + half(size)), size=size)
        bench.add("floor", "one half", cook(half(size)), size=size)
    for hybrid in (True, False):
        for device in (True, False):
            name = f"negotiation {'hybrid' if hybrid else 'loss'}, {'device' if device else 'hub'}"
            bench.add("floor", name, cook(negotiation(hybrid=hybrid, device=device)), unit="negotiation, 1 side")

"""doubleratchet, in Python as we are: a message that steps a chain, as ours does."""

from collections.abc import Coroutine
from functools import partial
import secrets
from typing import Any, Final, override

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from doubleratchet import DoubleRatchet as Base, Header
from doubleratchet.recommended import (
    HashFunction,
    aead_aes_hmac,
    diffie_hellman_ratchet_curve25519 as ratchet,
    kdf_hkdf,
    kdf_separate_hmacs,
)

from benchmarks.harness import Bench

_SHARED: Final = bytes(range(32))
_AD: Final = b"ad"


class DoubleRatchet(Base):
    """The configuration of the library's own documentation."""

    @staticmethod
    @override
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        lengths = header.sending_chain_length.to_bytes(8) + header.previous_sending_chain_length.to_bytes(8)
        return associated_data + header.ratchet_pub + lengths


class RootChain(kdf_hkdf.KDF):
    """HKDF with SHA-256."""

    @staticmethod
    @override
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    @override
    def _get_info() -> bytes:
        return b"root"


class MessageChain(kdf_separate_hmacs.KDF):
    """HMAC-SHA-256."""

    @staticmethod
    @override
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class Aead(aead_aes_hmac.AEAD):
    """AES-256-CBC and HMAC-SHA-256."""

    @staticmethod
    @override
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    @override
    def _get_info() -> bytes:
        return b"message"


_CONFIGURATION: Final[dict[str, Any]] = {
    "diffie_hellman_ratchet_class": ratchet.DiffieHellmanRatchet,
    "root_chain_kdf": RootChain,
    "message_chain_kdf": MessageChain,
    "message_chain_constant": b"\x01\x02",
    "dos_protection_threshold": 100,
    "max_num_skipped_message_keys": 1000,
    "aead": Aead,
}

type Pair = tuple[Any, Any]


def register(bench: Bench) -> None:
    """Add the cases."""
    for size in (16, 64, 512):
        body = secrets.token_bytes(size)
        bench.add("doubleratchet", "enc+dec, symmetric chain", partial(_one_way, body), setup=_pair, size=size)
        bench.add("doubleratchet", "enc+dec, X25519 each", partial(_ping_pong, body), setup=_pair, size=size)


def _run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Drive a coroutine that never really waits; an event loop would only cost time."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise RuntimeError("it waits")


def _pair(_n: int) -> Pair:
    return _run(_meet())


async def _meet() -> Pair:
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    alice, first = await DoubleRatchet.encrypt_initial_message(
        shared_secret=_SHARED, recipient_ratchet_pub=public, message=b"hi", associated_data=_AD, **_CONFIGURATION
    )
    bob, plain = await DoubleRatchet.decrypt_initial_message(
        shared_secret=_SHARED, own_ratchet_priv=private.private_bytes_raw(), message=first, associated_data=_AD, **_CONFIGURATION
    )
    _same(plain, b"hi")
    return alice, bob


def _one_way(body: bytes, pair: Pair, n: int) -> None:
    _run(_talk(pair, n, body))


def _ping_pong(body: bytes, pair: Pair, n: int) -> None:
    _run(_converse(pair, n, body))


async def _talk(pair: Pair, n: int, body: bytes) -> None:
    alice, bob = pair
    plain = body
    for _ in range(n):
        plain = await bob.decrypt_message(await alice.encrypt_message(body, _AD), _AD)
    _same(plain, body)


async def _converse(pair: Pair, n: int, body: bytes) -> None:
    sender, receiver = pair
    plain = body
    for _ in range(n):
        plain = await receiver.decrypt_message(await sender.encrypt_message(body, _AD), _AD)
        sender, receiver = receiver, sender
    _same(plain, body)


def _same(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise RuntimeError("another text came out")

"""vodozemac, Matrix's Olm in Rust: a message that steps a chain, as ours does."""

from functools import partial
import secrets
from typing import Any, Final

import vodozemac

from benchmarks.harness import Bench

_MOST: Final = 20_000  # messages that one chain is used for

type Pair = tuple[Any, Any]


def register(bench: Bench) -> None:
    """Add the cases."""
    for size in (16, 64, 512):
        loop = partial(_talk, secrets.token_bytes(size))
        bench.add("olm", "vodozemac enc+dec, chain", loop, setup=_olm_pair, size=size, most=_MOST)


def _olm_pair(_n: int) -> Pair:
    alice, bob = vodozemac.Account(), vodozemac.Account()
    bob.generate_one_time_keys(1)
    sending = alice.create_outbound_session(bob.curve25519_key, next(iter(bob.one_time_keys.values())))
    first: Any = sending.encrypt(b"hi").to_pre_key()
    receiving, plain = bob.create_inbound_session(alice.curve25519_key, first)
    _same(bytes(plain), b"hi")
    _same(bytes(sending.decrypt(receiving.encrypt(b"yo"))), b"yo")
    return sending, receiving


def _talk(body: bytes, pair: Pair, n: int) -> None:
    sending, receiving = pair
    plain = body
    for _ in range(n):
        plain = receiving.decrypt(sending.encrypt(body))
    _same(bytes(plain), body)


def _same(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise RuntimeError("another text came out")

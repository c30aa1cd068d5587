"""noiseprotocol: handshakes of Noise, and its transport messages."""

from functools import partial
import secrets
import time
from typing import Any, Final

from noise.connection import Keypair, NoiseConnection  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Bench

_XX: Final = b"Noise_XX_25519_ChaChaPoly_SHA256"
_NN: Final = b"Noise_NN_25519_ChaChaPoly_SHA256"
_KEY: Final = bytes(range(32))

type Pair = tuple[Any, Any]


def register(bench: Bench) -> None:
    """Add the cases."""
    bench.add("noise", "XX handshake, both sides", lambda _state, n: _many(n, _XX), unit="handshake")
    bench.add("noise", "XX handshake, one side", lambda _state, n: sum(_initiator_time() for _ in range(n)), unit="handshake")
    bench.add("noise", "NN handshake, both sides", lambda _state, n: _many(n, _NN), unit="handshake")
    for size in (16, 64, 512):
        bench.add("noise", "transport enc+dec", partial(_transport, secrets.token_bytes(size)), setup=lambda _n: shake(_NN), size=size)


def connections(name: bytes, **options: Any) -> Pair:
    """Return both ends before the handshake."""
    pair = NoiseConnection.from_name(name, **options), NoiseConnection.from_name(name, **options)
    pair[0].set_as_initiator()
    pair[1].set_as_responder()
    if name == _XX:
        for connection, key in zip(pair, (_KEY, _KEY[::-1]), strict=True):
            connection.set_keypair_from_private_bytes(Keypair.STATIC, key)
    return pair


def finish(pair: Pair) -> Pair:
    """Play the handshake."""
    for connection in pair:
        connection.start_handshake()
    writer, reader = pair
    while not (pair[0].handshake_finished and pair[1].handshake_finished):
        reader.read_message(bytes(writer.write_message()))
        writer, reader = reader, writer
    return pair


def shake(name: bytes) -> Pair:
    """Return both ends after the handshake."""
    return finish(connections(name))


def _many(n: int, name: bytes) -> None:
    for _ in range(n):
        shake(name)


def _initiator_time() -> int:
    """Return ns of processor time that the initiator of XX takes, its static key included."""
    _, responder = connections(_XX)
    responder.start_handshake()
    clock = time.thread_time_ns
    began = clock()
    initiator = NoiseConnection.from_name(_XX)
    initiator.set_as_initiator()
    initiator.set_keypair_from_private_bytes(Keypair.STATIC, _KEY)
    initiator.start_handshake()
    first = bytes(initiator.write_message())
    own = clock() - began
    responder.read_message(first)
    second = bytes(responder.write_message())
    began = clock()
    initiator.read_message(second)
    third = bytes(initiator.write_message())
    own += clock() - began
    responder.read_message(third)
    if not responder.handshake_finished:
        raise RuntimeError("the handshake is not over")
    return own


def _transport(body: bytes, pair: Pair, n: int) -> None:
    initiator, responder = pair
    plain = body
    for _ in range(n):
        plain = responder.decrypt(initiator.encrypt(body))
    if plain != body:
        raise RuntimeError("another text came out")

"""aioesphomeapi: Noise as ESPHome uses it, in Home Assistant's most used radio proxy."""

from functools import partial
import secrets
from typing import Final

from aioesphomeapi._frame_helper.noise import make_noise_packets
from aioesphomeapi._frame_helper.noise_encryption import ESPHOME_NOISE_BACKEND, NOISE_PROTOCOL_NAME, DecryptCipher, EncryptCipher

from benchmarks.harness import Bench

from .noise import Pair, connections, finish

_KEY: Final = bytes(range(32))
_MESSAGE_TYPE: Final = 93  # any of ESPHome's


def register(bench: Bench) -> None:
    """Add the cases."""
    bench.add("esphome", "NNpsk0 handshake, both sides", _handshakes, unit="handshake")
    for size in (16, 64, 512):
        bench.add("esphome", "frame enc+dec", partial(_frames, secrets.token_bytes(size)), setup=_ciphers, size=size)


def _shake() -> Pair:
    pair = connections(NOISE_PROTOCOL_NAME, backend=ESPHOME_NOISE_BACKEND)
    for connection in pair:
        connection.set_psks(_KEY)
        connection.set_prologue(b"NoiseAPIInit\x00\x00")
    return finish(pair)


def _handshakes(_state: object, n: int) -> None:
    for _ in range(n):
        _shake()


def _ciphers(_n: int) -> Pair:
    initiator, responder = _shake()
    return EncryptCipher(initiator.noise_protocol.cipher_state_encrypt), DecryptCipher(responder.noise_protocol.cipher_state_decrypt)


def _frames(body: bytes, pair: Pair, n: int) -> None:
    encrypt, decrypt = pair
    plain = b""
    for _ in range(n):
        plain = decrypt.decrypt(make_noise_packets([(_MESSAGE_TYPE, body)], encrypt)[1])
    if plain[4:] != body:  # type and length come first
        raise RuntimeError("another text came out")

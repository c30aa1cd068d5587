"""MicroPython's ``cryptolib`` for CPython: the part that the core uses, AES in ECB mode, over ``cryptography``."""

import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ECB = 1  # MicroPython's number of the mode


class aes:  # noqa: N801  # MicroPython's name
    """AES under one key; ValueError for any mode but ECB."""

    def __init__(self, key: bytes, mode: int) -> None:
        if mode != ECB:
            raise ValueError("only ECB")
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # counter mode is built on single blocks

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt whole blocks of 16 bytes."""
        return self._cipher.encryptor().update(data)


def register() -> None:
    """Give the core the name ``cryptolib``, unless the interpreter brings its own."""
    sys.modules.setdefault("cryptolib", sys.modules[__name__])

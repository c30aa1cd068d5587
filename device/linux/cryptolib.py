"""MicroPython's ``cryptolib`` for CPython: the part that the core uses, AES in ECB and CBC mode, over ``cryptography``."""

import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ECB, CBC = 1, 2  # MicroPython's numbers of the modes


class aes:  # noqa: N801  # MicroPython's name
    """AES under one key, for one call; ValueError for any other mode."""

    def __init__(self, key: bytes, mode: int, iv: bytes = b"") -> None:
        if mode not in (ECB, CBC):
            raise ValueError("only ECB and CBC")
        chosen = modes.CBC(iv) if mode == CBC else modes.ECB()  # noqa: S305  # counter mode is built on single blocks
        self._cipher = Cipher(algorithms.AES(key), chosen)

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt whole blocks of 16 bytes."""
        return self._cipher.encryptor().update(data)

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt whole blocks of 16 bytes."""
        return self._cipher.decryptor().update(data)


def register() -> None:
    """Give the core the name ``cryptolib``, unless the interpreter brings its own."""
    sys.modules.setdefault("cryptolib", sys.modules[__name__])

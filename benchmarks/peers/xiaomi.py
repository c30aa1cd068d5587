"""xiaomi-ble: MiBeacon version 5, encrypted."""

from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from habluetooth import BluetoothServiceInfoBleak
from xiaomi_ble import XiaomiBluetoothDeviceData

from benchmarks.harness import Bench

from .advertisements import KEY, TAG, add, info, mac

_ADDRESS: Final = "A4:C1:38:02:83:F4"
_UUID: Final = "0000fe95-0000-1000-8000-00805f9b34fb"
_UNIT_SIZE: Final = 16  # bytes of the readings that an advertisement is filled with


def register(bench: Bench) -> None:
    """Add the cases."""
    for size in (16, 64):
        add(bench, "xiaomi", "update, v5", size, _xiaomi)


def _xiaomi(size: int, n: int) -> tuple[Any, list[BluetoothServiceInfoBleak]]:
    cipher, address = AESCCM(KEY, tag_length=TAG), mac(_ADDRESS)[::-1]

    def data(number: int) -> bytes:
        value = (200 + number % 100).to_bytes(2, "little")
        reading = b"\x0d\x10\x04" + value + value + b"\x06\x10\x02" + value + b"\x0a\x10\x01" + bytes([number % 100])
        head = b"XX\x5b\x05" + bytes([number & 0xFF]) + address
        counter = (number & 0xFFFFFF).to_bytes(3, "little")
        sealed = cipher.encrypt(address + head[2:5] + counter, reading * (size // _UNIT_SIZE), b"\x11")
        return head + sealed[:-TAG] + counter + sealed[-TAG:]

    infos = [info(_ADDRESS, _UUID, data(number), 10.0 + number) for number in range(n)]
    return XiaomiBluetoothDeviceData(bindkey=KEY), infos

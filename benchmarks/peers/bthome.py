"""bthome-ble: BTHome v2, encrypted."""

from typing import Any, Final

from bthome_ble import BTHomeBluetoothDeviceData
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from habluetooth import BluetoothServiceInfoBleak

from benchmarks.harness import Bench
from benchmarks.readings import objects

from .advertisements import KEY, TAG, add, info, mac

_ADDRESS: Final = "54:48:E6:8F:80:A5"
_UUID: Final = "0000fcd2-0000-1000-8000-00805f9b34fb"


def register(bench: Bench) -> None:
    """Add the cases."""
    for size in (16, 64):
        add(bench, "bthome", "update, encrypted", size, _bthome)


def _bthome(size: int, n: int) -> tuple[Any, list[BluetoothServiceInfoBleak]]:
    cipher = AESCCM(KEY, tag_length=TAG)

    def data(number: int) -> bytes:
        counter = (1000 + number).to_bytes(4, "little")
        sealed = cipher.encrypt(mac(_ADDRESS) + b"\xd2\xfc\x41" + counter, objects(size, number), None)
        return b"\x41" + sealed[:-TAG] + counter + sealed[-TAG:]

    infos = [info(_ADDRESS, _UUID, data(number), 10.0 + number) for number in range(n)]
    return BTHomeBluetoothDeviceData(bindkey=KEY), infos

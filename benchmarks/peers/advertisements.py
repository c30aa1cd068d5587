"""An encrypted advertisement becomes readings: the hub's half of those devices that are only listened to."""

from collections.abc import Callable
from typing import Any, Final

from habluetooth import BluetoothServiceInfoBleak

from benchmarks.harness import Bench

KEY: Final = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")  # of bthome-ble's own documentation
TAG: Final = 4  # bytes of both formats' CCM tag
_MOST: Final = 4000  # advertisements prepared for a block


type Prepare = Callable[[int, int], tuple[Any, list[BluetoothServiceInfoBleak]]]


def add(bench: Bench, group: str, name: str, size: int, prepare: Prepare) -> None:
    """Add one case; `prepare(size, n)` returns the library's decoder and `n` advertisements."""

    def setup(n: int) -> tuple[Any, list[BluetoothServiceInfoBleak]]:
        device, infos = prepare(size, n + 1)
        if not device.update(infos[0]).entity_values or not device.bindkey_verified:
            raise RuntimeError("not decrypted")
        return device, infos[1:]

    def loop(state: tuple[Any, list[BluetoothServiceInfoBleak]], _n: int) -> None:
        update = state[0].update
        for one in state[1]:
            update(one)

    def check(state: tuple[Any, list[BluetoothServiceInfoBleak]], _n: int) -> None:
        device, infos = state
        if device.decryption_failed or device.last_service_info is not infos[-1]:
            raise RuntimeError("not decrypted")

    bench.add(group, name, loop, setup=setup, check=check, size=size, most=_MOST, unit="advertisement")


def info(address: str, uuid: str, data: bytes, time: float) -> BluetoothServiceInfoBleak:
    """Return what Home Assistant hands to the library."""
    return BluetoothServiceInfoBleak(
        name="Bench",
        address=address,
        rssi=-60,
        manufacturer_data={},
        service_data={uuid: data},
        service_uuids=[],
        source="hci0",
        device=None,  # type: ignore[arg-type]  # neither library looks at it
        advertisement=None,
        connectable=False,
        time=time,
        tx_power=None,
    )


def mac(address: str) -> bytes:
    """Return the six bytes."""
    return bytes.fromhex(address.replace(":", ""))

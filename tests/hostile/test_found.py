"""Defects that the soak has found, each in its smallest form."""

import pytest

from custom_components.self_secure.protocol import snapshot
from custom_components.self_secure.protocol.errors import SnapshotError
from custom_components.self_secure.protocol.events import PairingRecord
from custom_components.self_secure.protocol.keys import StoreKey
from custom_components.self_secure.protocol.snapshot import DeviceState, Pairing
from self_secure_device import frames
from tests.device.bench import Bench

KEY = StoreKey(bytes(32))
RECORD = PairingRecord(suite=0, verified=False, packets=20, loss=0.2, secrecy_bits=4.0, assumed_loss=20, conflicts=0, scanners=1)


def test_the_two_directions_of_a_paper_round_count_as_one_key() -> None:
    """Four W-round keys and two of a new pairing had filled the six places: nobody could pair any more."""
    old = Pairing(1, RECORD, rounds={(direction, number): KEY for direction in (0, 1) for number in (4, 5)})
    new = Pairing(2, RECORD, rounds={(0, 0): KEY, (1, 0): KEY})
    assert DeviceState(bytes(16), [new, old]).keys_held == 3


def test_each_epoch_counts_as_one_key() -> None:
    assert DeviceState(bytes(16), [Pairing(1, RECORD, keys={3: KEY, 4: KEY})]).keys_held == 2


def test_a_round_without_a_key_is_a_damaged_snapshot() -> None:
    """Found by fuzz/snapshot.py: IndexError instead."""
    stored = snapshot.encode(DeviceState(bytes(16), [Pairing(1, RECORD, rounds={(0, 0): KEY})]))
    stored["pairings"][0]["rounds"][0].pop()
    with pytest.raises(SnapshotError):
        snapshot.decode(stored)


def test_a_request_that_has_expired_unnoticed_does_not_go_out_again() -> None:
    """The device slept over its deadline: at the next contact it asked once more, and paired by itself."""
    bench = Bench()
    bench.pair()
    bench.disconnect()
    bench.device.pair(bench.now)
    assert [frame[0] for frame in bench.connect()] == [frames.REQ]
    bench.disconnect()
    bench.now += 3_600_000
    assert bench.connect() == []

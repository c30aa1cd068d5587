"""Suite `paper` never mixes with another, a firmware may leave it out, and its snapshots have a version of their own."""

import sys

import pytest

from self_secure_device import frames, keyring, suites
from self_secure_device.crypto import sha256
from self_secure_device.device import Device
from self_secure_device.errors import DeviceError, StorageError
from self_secure_device.paper import packets
from self_secure_device.request import Parameters
from tests.device.bench import HUB, IDENTITY, Bench
from tests.device.paper_bench import PaperBench


def other_program(bench: Bench, suite_ids: tuple[int, ...]) -> None:
    """Start again with other suites, as a user who changes the option does."""
    bench.device = Device(bench.port, IDENTITY, bench.port.saved[-1], Parameters(suite_ids), "bench")


def test_a_paper_key_refuses_another_suite() -> None:
    bench = PaperBench()
    bench.paired()
    other_program(bench, (0x11,))
    with pytest.raises(DeviceError, match="reset this device first"):
        bench.device.pair(bench.now)
    bench.device.reset()
    bench.device.pair(bench.now)
    assert bench.connect()[0][0] == frames.REQ


def test_a_hybrid_key_refuses_paper() -> None:
    bench = Bench()
    bench.pair()
    other_program(bench, (0x00,))
    with pytest.raises(DeviceError, match="reset this device first"):
        bench.device.pair(bench.now)


def test_an_uncommitted_key_of_another_suite_keeps_the_request_back() -> None:
    bench = Bench()
    bench.open()
    other_program(bench, (0x00,))
    assert bench.connect() + bench.pass_time(60_000) == []
    assert bench.events("error") == ["the suite paper never mixes with another: reset this device first"]


def test_frames_of_other_suites_reach_no_chain() -> None:
    bench, paper = Bench(), PaperBench()
    hybrid, session = bench.pair(), paper.paired()
    session.sender.load(bytes(9))
    hybrid.sender.load(bytes(9))
    assert bench.give(session.sender.attempt(bytes(64), 0)) == []
    assert paper.give(hybrid.sender.attempt(bytes(16), 0)) == []
    assert bench.device.counters == paper.device.counters == {"out of state": 1}


@pytest.mark.parametrize(("offered", "psk"), [((0x00, 0x11), b""), ((0x11, 0x00), b""), ((0x00,), b"s" * 16)])
def test_paper_stands_alone(offered: tuple[int, ...], psk: bytes) -> None:
    with pytest.raises(DeviceError, match="stands alone"):
        Parameters(offered, psk=psk)


def test_eight_entries_at_most() -> None:
    bench = PaperBench()
    for _ in range(3):
        bench.settle()
        bench.restart()
    assert bench.connect() + bench.pass_time(60_000) == []
    assert bench.events("error") == ["too many pairings: let their hub answer one, or forget it, or reset this device"]


@pytest.fixture
def without_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firmware that leaves the folder out."""
    monkeypatch.delitem(suites.SUITES, suites.PAPER_ID, raising=False)
    monkeypatch.setitem(sys.modules, "self_secure_device.paper", None)


@pytest.mark.usefixtures("without_paper")
def test_a_firmware_without_paper_says_so() -> None:
    with pytest.raises(DeviceError, match="unknown suite"):
        Parameters((0x00,))
    bench = Bench()
    bench.pair()
    bench.give(packets.hashed(frames.ACC, HUB, bytes(48)))
    assert bench.device.counters == {"malformed": 1}


#: A snapshot of version 2, as written by 0.1.0: one committed pairing, direction 0 at j = 3 with j = 2, direction 1 at j = 1 alone.
VERSION_2 = bytes.fromhex(
    "53534402000102030405060708090a0b0c0d0e0f01"
    "48484848484848484848484848484848000000000100000001010000000100000007"
    "000000036161616161616161616161616161616161616161616161616161616161616161"
    "6262626262626262626262626262626262626262626262626262626262626262"
    "000000016363636363636363636363636363636363636363636363636363636363636363"
    "0000000000000000000000000000000000000000000000000000000000000000"
)
CHECK_2 = sha256(VERSION_2)[:8]


def test_version_2_is_read_and_written() -> None:
    identity, [key], _ = keyring.decode(VERSION_2 + CHECK_2)
    assert (key.suite.name, key.pairing, key.epoch, key.committed, key.mark) == ("paper", 1, 1, True, 1 << 32 | 7)
    assert keyring.encode(identity, [key]) == VERSION_2 + CHECK_2


@pytest.mark.parametrize("body", [VERSION_2[:-1], VERSION_2 + b"\x00", VERSION_2[:30], VERSION_2[:21]])
def test_a_snapshot_of_another_length_is_damaged(body: bytes) -> None:
    with pytest.raises(StorageError, match="damaged"):
        keyring.decode(body + sha256(body)[:8])

"""Suite `paper` over the same tables: what they do not list changes nothing and is counted; garbage raises nothing."""

from collections.abc import Callable

from hypothesis import given, settings, strategies as st
import pytest

from self_secure_device import frames
from self_secure_device.paper import packets
from tests.device.bench import TEXT
from tests.device.paper_bench import PaperBench
from tests.device.test_table import KINDS, fingerprint


def fresh() -> PaperBench:
    return PaperBench()


def requested() -> PaperBench:
    bench = PaperBench()
    bench.connect()
    return bench


def broadcasting() -> PaperBench:
    bench = PaperBench()
    bench.negotiate()
    return bench


def acknowledged() -> PaperBench:
    bench = PaperBench()
    bench.give(bench.negotiate().respond(range(30)))
    return bench


def opened() -> PaperBench:
    bench = PaperBench()
    bench.settle()
    return bench


def paired() -> PaperBench:
    bench = PaperBench()
    bench.paired()
    return bench


def frozen() -> PaperBench:
    bench = paired()
    bench.device.send(TEXT, b"unheard", bench.now)
    bench.pass_time(60_000)
    return bench


def forgetful() -> PaperBench:
    bench = paired()
    bench.restart()
    return bench


def resuming() -> PaperBench:
    bench = paired()
    bench.give(bench.renewer().hello)
    return bench


STATES = (fresh, requested, broadcasting, acknowledged, opened, paired, frozen, forgetful, resuming)


def frame(kind: int, length: int) -> bytes:
    """A well-formed frame or packet of this kind whose tail nobody's key has made."""
    if kind in packets.WRAPPED:
        return bytes(packets.wrap(frames.encode_head(kind, bytes(length)) + bytes(16 if kind == frames.R2 else 0)))
    tail = b"" if kind in packets.HASHED else bytes(16 if kind == frames.RSP else 32)
    whole: bytes = packets.hashed(kind, bytes(length), bytes(48))
    return whole[:-32] + tail if tail else whole


LENGTHS = {frames.NAK: 1, frames.ACC: 5, frames.RSP: 0, frames.END: 0, frames.DACK: 32, frames.R0: 32, frames.R2: 8, frames.RNAK: 16}
ENDING = {(broadcasting, frames.RSP)}  # an empty set fails at once, which is an answer of its own


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
def test_a_packet_out_of_place_changes_nothing(state: Callable[[], PaperBench], kind: int) -> None:
    bench = state()
    bench.device.connected(247)
    bench.device.subscribed(bench.now)
    bench.sent()
    before, counted = fingerprint_of(bench), sum(bench.device.counters.values())
    assert bench.give(frame(kind, LENGTHS.get(kind, 20))) == []
    assert (fingerprint_of(bench) == before) is ((state, kind) not in ENDING)
    assert sum(bench.device.counters.values()) == counted + ((state, kind) not in ENDING)


def fingerprint_of(bench: PaperBench) -> object:
    return fingerprint(bench)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(STATES), st.sampled_from(KINDS), st.binary(max_size=160))
def test_garbage_behind_the_clear_byte_is_counted(state: Callable[[], PaperBench], kind: int, rest: bytes) -> None:
    bench = state()
    bench.device.connected(247)
    bench.device.subscribed(bench.now)
    bench.sent()
    before, counted = fingerprint_of(bench), sum(bench.device.counters.values())
    assert bench.give(bytes([kind | 0x80]) + rest) == []
    assert fingerprint_of(bench) == before
    assert sum(bench.device.counters.values()) == counted + 1

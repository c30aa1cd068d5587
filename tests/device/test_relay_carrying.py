"""What passes through a relay, how much of it, and what does not (protocol.md 10)."""

import pytest

from self_secure_device.crypto import u16
from self_secure_device.path import MAX_INNER, MAX_WAITING
from self_secure_device.relay import limits
from self_secure_device.session import RELAY, ROUTE, TEXT
from tests.device.relay_bench import NOWHERE, TTL, FarDevice, RelayBench

DATA = b"\x10" + bytes(39)  # an inner frame; a relay sees no more of it than type and length


@pytest.fixture
def bench() -> RelayBench:
    made = RelayBench()
    made.with_hub()
    return made


@pytest.fixture
def far() -> FarDevice:
    return FarDevice("a")


# --- carrying


def test_carries_both_ways(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    assert bench.carry(1, DATA) == []
    assert bench.hop_all(far, bench.written(far)) == [(RELAY, lower + bytes([TTL - 1]) + DATA)]
    assert bench.hop(far, RELAY, lower + bytes([TTL]) + DATA) == []
    assert bench.heard_by_hub() == [(RELAY, u16(1) + bytes([TTL - 1]) + DATA)]


def test_what_comes_before_the_path_is_open_waits(bench: RelayBench, far: FarDevice) -> None:
    [_, (_, route)] = bench.adopt(far)
    assert bench.carry(1, DATA) == []
    assert bench.written(far) == []
    assert bench.hop(far, ROUTE, route) == [(RELAY, route[:2] + bytes([TTL - 1]) + DATA)]


@pytest.mark.parametrize("ttl", [0, 1])
def test_a_ttl_that_ends_here_is_dropped(bench: RelayBench, far: FarDevice, ttl: int) -> None:
    lower = bench.opened(far)
    assert bench.carry(1, DATA, ttl) == []
    assert bench.hop(far, RELAY, lower + bytes([ttl]) + DATA) == []
    assert (bench.written(far), bench.heard_by_hub()) == ([], [])
    assert bench.device.counters == {"not for a relay": 2}


@pytest.mark.parametrize(
    ("inner", "passes"),
    [
        (b"\x10" + bytes(7), True),
        (b"\x10" + bytes(6), False),
        (b"\x10" + bytes(MAX_INNER - 1), True),
        (b"\x10" + bytes(MAX_INNER), False),
        (b"", False),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, bytes) else "",
)
def test_sizes_of_an_inner_frame(bench: RelayBench, far: FarDevice, inner: bytes, passes: bool) -> None:
    lower = bench.opened(far)
    bench.carry(1, inner)
    bench.hop(far, RELAY, lower + bytes([TTL]) + inner)
    assert (len(bench.heard_by_hub()), bench.device.counters) == ((1, {}) if passes else (0, {"not for a relay": 2}))


@pytest.mark.parametrize("kind", [0x02, 0x09, 0x13, 0x25, 0x90, 0xFF])
def test_types_that_do_not_pass_to_a_ward(bench: RelayBench, far: FarDevice, kind: int) -> None:
    bench.opened(far)
    assert bench.carry(1, bytes([kind]) + bytes(39)) == []
    assert bench.written(far) == []
    assert bench.device.counters == {"not for a relay": 1}


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x03, 0x08, 0x10, 0x11, 0x12, 0x20, 0x21, 0x24])
def test_types_that_pass(bench: RelayBench, far: FarDevice, kind: int) -> None:
    bench.opened(far)
    bench.carry(1, bytes([kind]) + bytes(39))
    assert [body[3] for _, body in bench.hop_all(far, bench.written(far))] == [kind]


def test_an_unknown_path_is_told(bench: RelayBench) -> None:
    assert bench.carry(9, DATA) == [(ROUTE, u16(9) + NOWHERE)]
    assert bench.device.counters == {"no path": 1}


def test_a_ward_s_frame_on_an_unknown_path_is_dropped(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    assert bench.hop(far, RELAY, u16(99) + bytes([TTL]) + DATA) == []
    assert bench.hop(far, ROUTE, u16(99) + NOWHERE) == []
    assert (bench.heard_by_hub(), bench.device.counters) == ([], {"no path": 2})


def test_four_frames_wait_for_the_ward_and_no_fifth(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.unlink(far)
    for number in range(MAX_WAITING + 1):
        bench.carry(1, DATA + bytes([number]))
    assert bench.device.counters == {"full path": 1}
    bench.now += limits.REST
    [(_, _), *more] = bench.hop_all(far, bench.link(far))
    more += bench.hop(far, ROUTE, lower + far.identity)
    assert [body[-1] for _, body in more] == list(range(MAX_WAITING))


def test_four_frames_wait_for_the_hub_and_no_fifth(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    for number in range(MAX_WAITING + 2):
        bench.hop(far, RELAY, lower + bytes([TTL]) + DATA + bytes([number]))
    assert bench.device.counters == {"full path": 2}
    assert bench.events("route_crowded") == [far.short]  # once is enough
    assert [body[-1] for _, body in bench.heard_by_hub()] == list(range(MAX_WAITING))


def test_twenty_frames_per_second_after_a_burst_of_twenty(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    for _ in range(limits.BURST):
        bench.carry(1, DATA)
        bench.hop_all(far, bench.written(far))
    bench.carry(1, DATA)
    assert bench.device.counters == {"full path": 1}
    bench.now += 1000 // limits.RATE
    bench.carry(1, DATA)
    assert bench.device.counters == {"full path": 1}
    bench.carry(1, DATA)
    assert bench.device.counters == {"full path": 2}


def test_paths_to_one_ward_take_turns(bench: RelayBench, far: FarDevice) -> None:
    one = bench.opened(far)
    bench.route(2, far.identity)
    [(_, route)] = bench.hop_all(far, bench.written(far))
    bench.hop(far, ROUTE, route)
    bench.heard_by_hub()
    for number in range(6):
        bench.carry(1 + (number > 2), DATA)
    two = route[:2]
    assert [body[:2] for _, body in bench.hop_all(far, bench.written(far))] == [one, two, one, two, one, two]


def test_a_relay_is_silent_about_what_a_ward_says_itself(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    before = len(bench.port.events)
    assert bench.hop(far, TEXT, b"hello") == []
    assert (bench.heard_by_hub(), bench.port.events[before:]) == ([], [])

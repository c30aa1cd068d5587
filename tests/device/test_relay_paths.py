"""The paths of a relay: opened, confirmed, withdrawn, lost (protocol.md 10)."""

import pytest

from self_secure_device.crypto import u16
from self_secure_device.limits import YIELD_DELAY
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


# --- opening and closing paths


def test_a_path_is_confirmed_when_the_far_side_has_it(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    assert bench.events("route_opened") == [far.short]


def test_a_path_to_nobody_ends_after_ten_seconds(bench: RelayBench, far: FarDevice) -> None:
    assert bench.route(1, far.identity) == []
    assert bench.heard_by_hub(limits.PATH_TIME - 1) == []
    assert bench.heard_by_hub(1) == [(ROUTE, u16(1) + NOWHERE)]


def test_a_device_that_comes_in_time_is_connected(bench: RelayBench, far: FarDevice) -> None:
    bench.route(1, far.identity)
    bench.pass_time(limits.PATH_TIME - 1)
    bench.hear(far)
    assert bench.wanted == [far.address]


def test_a_withdrawn_path_is_told_to_the_ward_which_is_let_go(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    assert bench.route(1, NOWHERE) == []
    assert bench.hop_all(far, bench.written(far)) == [(ROUTE, lower + NOWHERE)]
    assert bench.wanted == [far.address]
    bench.now += limits.LINGER
    assert bench.wanted == []
    assert bench.events("route_closed") == [far.short]


def test_a_path_that_the_ward_ends_is_told_to_the_hub(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.hop(far, ROUTE, lower + NOWHERE)
    assert bench.heard_by_hub() == [(ROUTE, u16(1) + NOWHERE)]


def test_the_end_of_the_hub_s_connection_ends_its_paths(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.disconnect()
    assert bench.hop_all(far, bench.written(far)) == [(ROUTE, lower + NOWHERE)]
    bench.now += limits.LINGER
    assert bench.wanted == []


def test_a_path_asked_for_anew_gets_a_number_of_its_own(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.route(1, far.identity)
    said = bench.hop_all(far, bench.written(far))
    assert said == [(ROUTE, lower + NOWHERE), (ROUTE, u16(int.from_bytes(lower) + 1) + far.identity)]


def test_sixteen_paths_and_no_more(bench: RelayBench) -> None:
    answers = [bench.route(number, b"x" * 16) for number in range(1, limits.MAX_PATHS + 2)]
    assert answers == [[]] * limits.MAX_PATHS + [[(ROUTE, u16(limits.MAX_PATHS + 1) + NOWHERE)]]
    assert bench.events("route_refused") == [b"xxxx"]


def test_a_hub_with_a_path_makes_no_room_for_another_one(bench: RelayBench, far: FarDevice) -> None:
    bench.disconnect()
    bench.device.pair(bench.now)
    bench.with_hub(b"O" * 16)
    bench.disconnect()
    bench.device.send(TEXT, b"for both", bench.now)
    assert bench.connect() == []
    assert bench.route(1, far.identity) == [(TEXT, b"for both")]
    bench.take_all(bench.pass_time(2 * YIELD_DELAY))
    assert not bench.device.yields
    assert bench.route(1, NOWHERE) == []
    bench.take_all(bench.pass_time(YIELD_DELAY))
    assert bench.device.yields


def test_numbers_begin_anew_after_the_last(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.relay.routes._next = 0xFFFF
    bench.route(2, far.identity)
    assert bench.hop_all(far, bench.written(far)) == [(ROUTE, u16(1) + far.identity)]


def test_a_lost_ward_has_ten_seconds_to_come_back(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.unlink(far)
    bench.pass_time(limits.REST)
    assert bench.wanted == [far.address]
    assert bench.hop_all(far, bench.link(far)) == [(ROUTE, lower + far.identity)]
    bench.unlink(far)
    assert bench.heard_by_hub(limits.PATH_TIME - limits.REST - 1) == []
    assert bench.heard_by_hub(1) == [(ROUTE, u16(1) + NOWHERE)]


def test_a_connection_that_cannot_be_made_is_tried_again_after_a_second(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    bench.route(1, far.identity)
    assert bench.wanted == [far.address]
    bench.relay.unreachable(far.address, bench.now)
    assert bench.wanted == []
    bench.now += limits.REST
    assert bench.wanted == [far.address]


def test_three_wards_are_connected_at_a_time(bench: RelayBench) -> None:
    fars = [FarDevice(name) for name in "wxyz"]
    for number, one in enumerate(fars, 1):
        bench.hear(one)
        bench.route(number, one.identity)
    assert bench.wanted == [one.address for one in fars]
    for one in fars[1:]:
        bench.link(one)
    assert bench.wanted == [one.address for one in fars[1:]]


# --- the far side's broadcast


def test_hangs_up_after_acc_and_forwards_the_broadcast(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    far.fresh()
    bench.hop(far, RELAY, lower + bytes([TTL]) + far.request.frame)
    bench.heard_by_hub()
    bench.carry(1, b"\x01" + bytes(79))
    assert bench.wanted == [far.address]  # ACC is not acknowledged yet
    bench.hop_all(far, bench.written(far))
    assert bench.wanted == []
    bench.unlink(far)
    for seq in range(limits.BATCH_PACKETS + 1):
        bench.hear(far, far.packet(seq))
    [(kind, body)] = bench.heard_by_hub()
    assert (kind, body[:3]) == (RELAY, u16(1) + bytes([TTL]))
    frame = body[3:]
    assert frame[:8] == b"\x02\x00" + u16(23 * limits.BATCH_PACKETS) + bytes(4)
    assert frame[8:31] == far.packet(0)[8:]
    [(_, rest)] = bench.heard_by_hub(limits.BATCH_TIME)
    assert rest[11:] == far.packet(limits.BATCH_PACKETS)[8:]


def test_only_the_broadcast_that_was_asked_for_is_forwarded(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    far.fresh()
    bench.hear(far, far.packet(0))  # nobody listens yet
    bench.hop(far, RELAY, lower + bytes([TTL]) + far.request.frame)
    bench.heard_by_hub()
    bench.carry(1, b"\x01" + bytes(79))
    bench.hop_all(far, bench.written(far))
    bench.unlink(far)
    other = bytearray(far.packet(1))
    other[8] ^= 1  # another sid
    bench.hear(far, bytes(other))
    bench.hear(far, far.packet(2))
    bench.hear(far, far.packet(2))  # the same event, reported twice
    [(_, body)] = bench.heard_by_hub(limits.BATCH_TIME)
    assert body[11:] == far.packet(2)[8:]


def test_connects_again_for_what_comes_after_the_broadcast(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.carry(1, b"\x01" + bytes(79))
    bench.hop_all(far, bench.written(far))
    bench.unlink(far)
    bench.pass_time(60_000)  # however long the broadcast takes
    bench.hear(far)
    assert bench.wanted == []
    assert bench.carry(1, b"\x03" + bytes(79)) == []
    assert bench.wanted == [far.address]
    assert bench.hop_all(far, bench.link(far)) == [(ROUTE, lower + far.identity)]
    assert [body[3] for _, body in bench.hop(far, ROUTE, lower + far.identity)] == [3]


def test_a_request_that_is_cut_short_names_no_broadcast(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.hop(far, RELAY, lower + bytes([TTL]) + b"\x00" * 7 + b"\x10\xff")
    assert bench.relay.routes._routes[0]._sid is None

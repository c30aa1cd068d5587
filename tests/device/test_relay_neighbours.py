"""Whom a relay hears, what it tells its hubs and when, and how it finds a way (protocol.md 10)."""

import pytest

from self_secure_device.adverts import beacon
from self_secure_device.crypto import u16
from self_secure_device.relay import limits
from self_secure_device.relay.neighbours import ADOPTED, RELAYS, Neighbours, read_beacon
from self_secure_device.session import INFO, ROUTE
from tests.device.relay_bench import NOWHERE, FarDevice, RelayBench, rows


@pytest.fixture
def bench() -> RelayBench:
    made = RelayBench()
    made.with_hub()
    made.lists.clear()
    made.now += limits.TELL_TIME
    return made


@pytest.fixture
def far() -> FarDevice:
    return FarDevice("a")


def tell(bench: RelayBench, milliseconds: int = 0) -> list[tuple[int, bytes]]:
    """Let time pass; return the lists that the hub gets in it."""
    before = len(bench.lists)
    bench.heard_by_hub(milliseconds)
    return bench.lists[before:]


def listed(*entries: tuple[bytes, int, int, int]) -> bytes:
    """Return an INFO with these neighbours."""
    value = b"".join(short + bytes([state, rssi & 0xFF, hops]) for short, state, rssi, hops in entries)
    return bytes([5, len(value)]) + value


# --- the list


def test_who_appears_is_told(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far, far.beacon(2), -71)
    assert rows(tell(bench)) == [(far.short, 2, -71, 0)]


def test_a_relay_and_a_ward_are_marked(bench: RelayBench, far: FarDevice) -> None:
    bench.adopt(far)
    other = FarDevice("r")
    bench.hear(other, other.beacon(1, 1))
    assert {row[0]: row[1] for row in rows(tell(bench, limits.TELL_TIME))} == {far.short: 1 | ADOPTED, other.short: 1 | RELAYS}


def test_a_new_state_is_told(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    tell(bench, limits.TELL_TIME)
    bench.hear(far, far.beacon(2))
    assert rows(tell(bench)) == [(far.short, 2, -60, 0)]


def test_nothing_new_is_not_told(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    tell(bench, limits.TELL_TIME)
    bench.hear(far)
    assert tell(bench, limits.TELL_TIME) == []


@pytest.mark.parametrize(("rssi", "told"), [(-69, 0), (-70, 1), (-51, 0), (-50, 1)])
def test_ten_decibels_are_worth_telling(bench: RelayBench, far: FarDevice, rssi: int, told: int) -> None:
    bench.hear(far)
    tell(bench, limits.TELL_TIME)
    bench.hear(far, rssi=rssi)
    assert len(tell(bench)) == told


def test_a_list_that_waits_at_another_relay_is_no_news(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far, far.beacon(1, 1))
    tell(bench, limits.TELL_TIME)
    bench.hear(far, far.beacon(2, 5))
    bench.hear(far, far.beacon(2, 7))
    assert tell(bench, limits.TELL_TIME) == []
    bench.hear(far, far.beacon(2, 1))
    assert rows(tell(bench)) == [(far.short, 2 | RELAYS, -60, 0)]


def test_not_more_often_than_every_five_seconds(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    assert len(tell(bench)) == 1
    bench.hear(far, far.beacon(2))
    assert tell(bench, limits.TELL_TIME - 1) == []
    assert len(tell(bench, 1)) == 1


def test_who_is_silent_for_a_minute_is_gone(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    tell(bench)
    assert tell(bench, limits.LIFETIME - 1) == []
    assert rows(tell(bench, 1)) == []


def test_the_program_hears_who_comes_and_goes_as_often_as_the_hubs(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    tell(bench)
    other = FarDevice("o")
    bench.hear(other)
    bench.hear(other, other.beacon(2))
    assert bench.events("neighbour") == [far.short]
    tell(bench, limits.TELL_TIME)
    assert bench.events("neighbour") == [far.short, other.short]
    tell(bench, limits.LIFETIME)
    assert bench.events("neighbour_lost") == [far.short, other.short]


def test_who_is_connected_stays(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.pass_time(2 * limits.LIFETIME)
    assert bench.relay.neighbours.addresses(far.short) == [far.address]


def test_who_broadcasts_stays(bench: RelayBench, far: FarDevice) -> None:
    bench.collected(far)
    bench.now += limits.LIFETIME - 1_000
    bench.hear(far, far.packet(99))
    bench.relay.poll(bench.now + 2_000)
    assert bench.relay.neighbours.addresses(far.short) == [far.address]


def test_a_hub_gets_the_list_after_each_resume(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    tell(bench)
    bench.hub = bench.resume({0: bench.hub.store}, bench.hub.chains)
    bench.take_all(bench.after)
    assert rows(tell(bench)) == [(far.short, 1, -60, 0)]


def test_a_list_for_one_hub_is_news_for_the_other_one_still(bench: RelayBench, far: FarDevice) -> None:
    """What a hub gets because its session is new must not be taken for what all have been told."""
    bench.hear(far)
    tell(bench)
    other = FarDevice("o")
    bench.hear(other)  # too early to be told
    bench.hub = bench.resume({0: bench.hub.store}, bench.hub.chains)
    bench.take_all(bench.after)
    assert {row[0] for row in rows(tell(bench))} == {far.short, other.short}
    assert bench.relay.neighbours.changed
    assert len(tell(bench, limits.TELL_TIME)) == 1


def test_an_absent_hub_finds_the_newest_list_alone(bench: RelayBench, far: FarDevice) -> None:
    bench.disconnect()
    for state in (1, 2, 0):
        bench.hear(far, far.beacon(state))
        bench.pass_time(limits.TELL_TIME)
    assert bench.device.state == 2  # it is worth a connection
    [message] = bench.device.peer.queue
    assert (message.kind, message.body) == (INFO, listed((far.short, 0, -60, 0)))


def test_a_signal_alone_is_worth_no_connection(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    tell(bench)
    bench.disconnect()
    bench.hear(far, rssi=-90)
    bench.pass_time(limits.TELL_TIME)
    assert bench.device.peer.queue == []


def test_the_relay_is_not_in_its_own_list(bench: RelayBench) -> None:
    bench.relay.heard("C0:00:00:00:00:01", -60, beacon(1, bench.device.identity), bench.now)
    assert rows(tell(bench)) == []


def test_nobody_hears_how_that_went(bench: RelayBench, far: FarDevice) -> None:
    before = bench.events("delivered")
    bench.hear(far)
    assert len(tell(bench)) == 1
    assert bench.events("delivered") == before


def test_36_neighbours_the_nearest_of_them() -> None:
    neighbours = Neighbours()
    for number in range(limits.MAX_NEIGHBOURS):
        assert neighbours.heard(str(number), (1, 0, bytes([number]) * 4), -80, 0) is not None
    assert neighbours.heard("weaker", (1, 0, b"weak"), -80, 0) is None
    assert neighbours.heard("nearer", (1, 0, b"near"), -79, 0) is not None
    value = neighbours.value(b"self", set())
    assert (len(value), value[:4]) == (7 * limits.MAX_NEIGHBOURS, b"near")


def test_one_short_id_at_two_addresses_is_one_entry_the_nearer_one(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far, rssi=-80)
    bench.relay.heard("C0:00:00:00:00:99", -50, far.beacon(2), bench.now)
    assert rows(tell(bench)) == [(far.short, 2, -50, 0)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        beacon(1, b"a" * 16)[:-1],
        beacon(1, b"a" * 16) + b"x",
        b"\x00" + beacon(1, b"a" * 16)[1:],
        beacon(1, b"a" * 16)[:25] + b"\x21" + b"\x00aaaa",
    ],
    ids=len,
)
def test_what_is_no_beacon_of_this_protocol(data: bytes) -> None:
    assert read_beacon(data) is None


def test_a_beacon_is_read() -> None:
    assert read_beacon(beacon(3, b"abcdefgh" * 2, 1)) == (3, 1, b"abcd")


# --- what waits again after a visit


def visited(bench: RelayBench, far: FarDevice) -> None:
    """Let the hub fetch what waits at a device, over path 1."""
    bench.opened(far)
    bench.hear(far, far.beacon(2))
    tell(bench, limits.TELL_TIME)


def test_what_waits_since_the_path_was_closed_is_told_anew(bench: RelayBench, far: FarDevice) -> None:
    visited(bench, far)
    bench.route(1, NOWHERE)
    bench.hop_all(far, bench.written(far))
    bench.unlink(far)
    assert tell(bench, limits.TELL_TIME) == []
    bench.hear(far, far.beacon(2))
    assert rows(tell(bench)) == [(far.short, 2 | ADOPTED, -60, 0)]


def test_what_waits_when_the_path_broke_is_told_at_its_end(bench: RelayBench, far: FarDevice) -> None:
    visited(bench, far)
    bench.unlink(far)
    assert tell(bench, limits.PATH_TIME - 1) == []
    assert (rows(tell(bench, 1)), bench.events("route_closed")) == ([(far.short, 2 | ADOPTED, -60, 0)], [far.short])


def test_nothing_is_told_of_a_device_with_nothing_waiting(bench: RelayBench, far: FarDevice) -> None:
    visited(bench, far)
    bench.hear(far, far.beacon(1))
    tell(bench, limits.TELL_TIME)
    bench.unlink(far)
    bench.route(1, NOWHERE)
    assert tell(bench, limits.TELL_TIME) == []


# --- behind other relays


@pytest.fixture
def relay(bench: RelayBench) -> FarDevice:
    """A relay that this one has adopted; they are connected, the path to it is withdrawn."""
    made = FarDevice("r")
    bench.opened(made)
    bench.route(1, NOWHERE)
    bench.hop_all(made, bench.written(made))
    return made


def test_a_ward_s_list_is_passed_on_with_one_hop_more(bench: RelayBench, relay: FarDevice) -> None:
    bench.hop(relay, INFO, listed((b"aaaa", 2, -70, 0), (b"bbbb", 1, -80, 1), (b"cccc", 1, -80, limits.MAX_HOPS)))
    assert rows(tell(bench, limits.TELL_TIME))[1:] == [(b"aaaa", 2, -70, 1), (b"bbbb", 1, -80, 2)]


def test_what_is_heard_here_comes_first(bench: RelayBench, relay: FarDevice, far: FarDevice) -> None:
    bench.hop(relay, INFO, listed((far.short, 2, -50, 0)))
    bench.hear(far, rssi=-90)
    assert (far.short, 1, -90, 0) in rows(tell(bench, limits.TELL_TIME))


@pytest.mark.parametrize("body", [b"\x05\x06" + bytes(6), b"\x05\x08" + bytes(7), b"\x05", b"\x01\x03abc", b""])
def test_a_list_that_is_none_is_ignored(bench: RelayBench, relay: FarDevice, body: bytes) -> None:
    bench.hop(relay, INFO, body)
    assert bench.relay.neighbours._behind == {}


def test_a_list_stands_behind_other_values(bench: RelayBench, relay: FarDevice) -> None:
    bench.hop(relay, INFO, b"\x01\x01n" + listed((b"aaaa", 2, -70, 0)))
    assert bench.relay.neighbours.via(b"aaaa") == [relay.identity]


def test_a_path_leads_over_a_ward_that_hears_the_device(bench: RelayBench, relay: FarDevice) -> None:
    bench.hop(relay, INFO, listed((b"aaaa", 2, -70, 0)))
    assert bench.route(2, b"a" * 16) == []
    [(kind, body)] = bench.hop_all(relay, bench.written(relay))
    assert (kind, body[2:]) == (ROUTE, b"a" * 16)
    assert bench.hop(relay, ROUTE, body) == []
    assert bench.heard_by_hub() == [(ROUTE, u16(2) + b"a" * 16)]


def test_a_ward_that_carries_on_is_not_hung_up_for_a_broadcast(bench: RelayBench, relay: FarDevice) -> None:
    bench.hop(relay, INFO, listed((b"aaaa", 2, -70, 0)))
    bench.route(2, b"a" * 16)
    [(_, body)] = bench.hop_all(relay, bench.written(relay))
    bench.hop(relay, ROUTE, body)
    bench.carry(2, b"\x01" + bytes(79))
    bench.hop_all(relay, bench.written(relay))
    assert bench.wanted == [relay.address]


def test_what_waits_behind_it_again_is_passed_on_anew(bench: RelayBench, relay: FarDevice) -> None:
    bench.hop(relay, INFO, listed((b"aaaa", 2 | RELAYS, -70, 0)))
    bench.route(2, b"a" * 16)
    [(_, body)] = bench.hop_all(relay, bench.written(relay))
    bench.hop(relay, ROUTE, body)
    tell(bench, limits.TELL_TIME)
    bench.route(2, NOWHERE)
    bench.hop_all(relay, bench.written(relay))
    bench.hop(relay, INFO, listed((b"aaaa", 2 | RELAYS, -70, 0)))
    assert (b"aaaa", 2 | RELAYS, -70, 1) in rows(tell(bench, limits.TELL_TIME))


def test_random_packets_of_a_relay_behind_are_passed_on(bench: RelayBench, relay: FarDevice) -> None:
    bench.hop(relay, INFO, listed((b"aaaa", 2, -70, 0)))
    bench.route(2, b"a" * 16)
    [(_, body)] = bench.hop_all(relay, bench.written(relay))
    bench.hop(relay, ROUTE, body)
    bench.heard_by_hub()
    inner = b"\x02\x00" + u16(23) + bytes(4) + bytes(23)
    bench.hop(relay, 7, body[:2] + b"\x04" + inner)
    assert bench.heard_by_hub() == [(7, u16(2) + b"\x03" + inner)]


def test_the_nearest_way_is_taken() -> None:
    neighbours = Neighbours()
    neighbours.listed(b"far", b"aaaa" + bytes([1, 200, 1]))
    neighbours.listed(b"near", b"aaaa" + bytes([1, 200, 0]))
    assert neighbours.via(b"aaaa") == [b"near", b"far"]


def test_what_a_ward_hears_is_gone_with_the_ward(bench: RelayBench, relay: FarDevice) -> None:
    bench.hear(relay, relay.beacon(1, 1))
    bench.relay.poll(bench.now)
    bench.hop(relay, INFO, listed((b"aaaa", 2, -70, 0)))
    bench.unlink(relay)
    tell(bench, limits.LIFETIME)
    assert rows(bench.lists) == []


# --- visits to a ward that is a relay


def test_a_relay_that_appears_is_visited_once(bench: RelayBench, relay: FarDevice) -> None:
    bench.unlink(relay)
    bench.pass_time(limits.LIFETIME)
    bench.hear(relay, relay.beacon(1, 1))
    assert bench.wanted == [relay.address]
    bench.link(relay)
    bench.now += limits.LINGER
    bench.unlink(relay)
    bench.now += limits.NEWS_REST
    bench.hear(relay, relay.beacon(1, 1))
    assert bench.wanted == []


def test_a_relay_with_news_is_visited_every_ten_seconds(bench: RelayBench, relay: FarDevice) -> None:
    bench.unlink(relay)
    bench.now += limits.REST
    bench.hear(relay, relay.beacon(1, 3))
    assert bench.wanted == [relay.address]
    bench.hop_all(relay, bench.link(relay))
    bench.unlink(relay)
    bench.now += limits.NEWS_REST - 1
    bench.hear(relay, relay.beacon(1, 3))
    assert bench.wanted == []
    bench.now += 1
    bench.hear(relay, relay.beacon(1, 3))
    assert bench.wanted == [relay.address]


def test_a_relay_that_is_no_ward_is_not_visited(bench: RelayBench) -> None:
    stranger = FarDevice("s")
    bench.hear(stranger, stranger.beacon(2, 3))
    assert bench.wanted == []


def test_a_visit_that_fails_is_not_repeated_at_once(bench: RelayBench, relay: FarDevice) -> None:
    bench.unlink(relay)
    bench.now += limits.REST
    bench.hear(relay, relay.beacon(1, 3))
    bench.relay.unreachable(relay.address, bench.now)
    bench.now += limits.REST
    assert bench.wanted == []

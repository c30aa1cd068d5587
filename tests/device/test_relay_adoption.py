"""A relay adopts the devices that its hub asks for, and shows what it is (protocol.md 10)."""

import pytest

from self_secure_device import frames
from self_secure_device.crypto import u16
from self_secure_device.relay import limits, wards
from self_secure_device.session import ROUTE, TEXT
from tests.device.relay_bench import NOWHERE, FarDevice, RelayBench

DATA = b"\x10" + bytes(39)  # an inner frame; a relay sees no more of it than type and length


@pytest.fixture
def bench() -> RelayBench:
    made = RelayBench()
    made.with_hub()
    return made


@pytest.fixture
def far() -> FarDevice:
    return FarDevice("a")


# --- adopting


def test_adopts_a_device_because_a_hub_asks_for_a_path(bench: RelayBench, far: FarDevice) -> None:
    said = bench.adopt(far)
    assert [kind for kind, _ in said] == [5, ROUTE]
    assert said[0][1] == b"\x00"  # nobody compares
    assert said[1][1][2:] == far.identity
    assert far.machine.relay
    assert far.machine.code is None
    assert bench.events("adopted") == [far.short]
    assert [(key.identity, key.committed) for key in wards.decode(bench.wards[-1])] == [(far.identity, True)]


def test_the_key_is_on_disk_before_verified_leaves(bench: RelayBench, far: FarDevice) -> None:
    bench.collected(far)
    assert bench.wanted == [far.address]
    [response] = bench.link(far)
    [end] = bench.notify(far, far.take(response))
    assert bench.wards == []
    bench.full = True
    assert bench.notify(far, far.take(end)) == []
    assert bench.events("error") == ["cannot store: disk full"]


def test_nobody_is_adopted_without_being_asked_for(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    bench.pass_time(60_000)
    assert bench.wanted == []


def test_another_device_than_the_one_asked_for_is_not_adopted(bench: RelayBench, far: FarDevice) -> None:
    other = FarDevice("a")
    other.identity = far.short + b"x" * 12
    other.fresh()
    bench.hear(far)
    bench.route(1, far.identity)
    assert bench.wanted == [far.address]
    bench.link(far)
    assert bench.notify(far, other.request.frame) == []
    assert bench.device.counters == {"out of state": 1}


def test_a_device_may_be_asked_for_by_its_short_id(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    bench.route(1, far.short + bytes(12))
    assert bench.wanted == [far.address]
    bench.link(far)
    assert frames.decode(bench.notify(far, far.request.frame)[0]).kind == frames.ACC


def test_a_device_that_asks_for_nothing_cannot_be_reached(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    bench.route(1, far.identity)
    assert bench.wanted == [far.address]
    assert bench.link(far) == []
    assert bench.heard_by_hub(limits.REQUEST_TIME - 1) == []
    assert bench.heard_by_hub(1) == [(ROUTE, u16(1) + NOWHERE)]
    assert bench.events("error") == [f"no key with {far.short.hex()}: timeout"]


def test_a_failed_negotiation_says_so_on_both_sides(bench: RelayBench) -> None:
    weak = FarDevice("w", suites=(0x01,))
    bench.hear(weak)
    bench.route(1, weak.identity)
    assert bench.wanted == [weak.address]
    bench.link(weak)
    assert bench.notify(weak, weak.request.frame) == [frames.encode_head(frames.NAK, b"\x03")]
    assert bench.heard_by_hub() == [(ROUTE, u16(1) + NOWHERE)]


def test_a_weak_relay_adopts_in_loss() -> None:
    bench = RelayBench()
    bench.weak = True
    bench.start(None)
    bench.with_hub()
    far = FarDevice("w", suites=(0x01,))
    bench.hear(far)
    bench.route(1, far.identity)
    assert bench.wanted == [far.address]
    bench.link(far)
    accept = frames.decode(bench.notify(far, far.request.frame)[0]).message
    assert (accept[0], accept[65:67], accept[67:69]) == (0x01, u16(200), u16(64))


def knock(bench: RelayBench, far: FarDevice) -> bytes:
    """Let a ward ask for a key; return the ACC that comes when no resume has shown that the old one is still good."""
    assert [frames.decode(raw).kind for raw in bench.notify(far, far.request.frame)] == [frames.R0]
    bench.heard_by_hub(limits.RESUME_TIME)
    *_, accept = bench.written(far)  # behind the message that is still unanswered
    return accept


def test_a_ward_that_asks_somebody_else_keeps_its_key(bench: RelayBench, far: FarDevice) -> None:
    """It has been invited to another relay, and asks whoever connects."""
    bench.opened(far)
    bench.unlink(far)
    bench.now += limits.REST
    bench.hear(far)
    bench.link(far)
    far.fresh()
    said = bench.renew(far, bench.notify(far, far.request.frame), live=False)
    assert [(kind, body[2:]) for kind, body in said] == [(ROUTE, far.identity)]
    assert len(wards.decode(bench.wards[-1])) == 1


def test_a_known_device_that_has_forgotten_us_is_adopted_anew(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.unlink(far)
    far.fresh()
    bench.now += limits.REST
    assert bench.wanted == [far.address]
    assert frames.decode(bench.link(far)[0]).kind == frames.DATA  # nobody answers
    far.take(knock(bench, far))
    assert bench.wanted == []
    bench.unlink(far)
    for seq in range(80):
        bench.hear(far, far.packet(seq))
    bench.now += limits.REST
    assert bench.wanted == [far.address]
    [response] = bench.link(far)
    [end] = bench.notify(far, far.take(response))
    written = bench.notify(far, far.take(end))
    assert len(wards.decode(bench.wards[-1])) == 2
    far.begin()
    assert [kind for kind, _ in bench.hop_all(far, written)] == [5, ROUTE]
    assert [(key.pairing, key.committed) for key in wards.decode(bench.wards[-1])] == [(2, True)]


def test_a_device_that_has_shown_itself_gets_no_new_key(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    far.fresh()
    assert bench.notify(far, far.request.frame) == []
    assert bench.device.counters == {"out of state": 1}


@pytest.fixture
def unrenewed(bench: RelayBench, far: FarDevice) -> FarDevice:
    """A ward that has asked for a new key and then said nothing more; the link stands."""
    bench.opened(far)
    bench.unlink(far)
    bench.now += limits.REST
    bench.hear(far)
    assert [frames.decode(raw).kind for raw in bench.link(far)] == [frames.DATA]
    far.fresh()
    far.take(knock(bench, far))
    bench.unlink(far)
    for seq in range(80):
        bench.hear(far, far.packet(seq))
    assert [frames.decode(raw).kind for raw in bench.link(far)] == [frames.RSP]
    bench.heard_by_hub(limits.ADOPTION_TIME)
    assert bench.events("error") == ["no key with 61616161: timeout"]
    return far


def test_a_link_on_which_a_new_key_failed_is_given_up(bench: RelayBench, unrenewed: FarDevice) -> None:
    assert bench.wanted == []
    assert bench.relay._ward_at(unrenewed.address, unrenewed.short).entries != []


def test_a_link_on_which_a_new_key_failed_serves_the_next_path(bench: RelayBench, unrenewed: FarDevice) -> None:
    bench.route(2, unrenewed.identity)
    assert [frames.decode(raw).kind for raw in bench.written(unrenewed)] == [frames.R0]
    assert bench.wanted == [unrenewed.address]


# --- the relay in the beacon, and at the end


def test_the_beacon_says_that_it_relays(bench: RelayBench) -> None:
    assert bench.device.beacon()[0][26] == 1


def test_the_beacon_says_that_only_lists_wait(bench: RelayBench, far: FarDevice) -> None:
    bench.disconnect()
    bench.hear(far)
    bench.pass_time(limits.TELL_TIME)
    assert (bench.device.state, bench.device.beacon()[0][26]) == (2, 5)
    bench.device.send(TEXT, b"more", bench.now)
    assert (bench.device.state, bench.device.beacon()[0][26]) == (2, 1)


def test_a_ward_is_kept_over_a_restart(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.restart()
    assert list(bench.relay._wards) == [far.identity]


def test_a_reset_forgets_every_ward(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.relay.forget()
    assert wards.decode(bench.wards[-1]) == []
    assert bench.relay._wards == {}
    assert bench.device.link is not None


def test_a_frame_of_a_device_without_a_key_is_counted(bench: RelayBench, far: FarDevice) -> None:
    bench.hear(far)
    bench.route(1, far.identity)
    assert bench.wanted == [far.address]
    bench.link(far)
    assert bench.notify(far, DATA + bytes(16)) == []
    assert bench.notify(far, b"\x7f" * 40) == []
    assert bench.device.counters == {"malformed": 2}
    assert bench.notify(far, frames.encode_head(frames.DATA, bytes(30)) + bytes(16)) == []
    assert bench.device.counters == {"malformed": 2, "out of state": 1}


def test_what_comes_from_a_stranger_is_nothing(bench: RelayBench, far: FarDevice) -> None:
    bench.relay.linked(far.address, 247, bench.now)
    bench.relay.received(far.address, b"\x80\x10", bench.now)
    bench.relay.unlinked(far.address, bench.now)
    bench.relay.unreachable(far.address, bench.now)
    assert bench.relay.next_fragment(far.address) is None
    assert (bench.wanted, bench.device.counters) == ([], {})


def test_two_hubs_one_after_the_other(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.disconnect()
    bench.hop_all(far, bench.written(far))
    bench.unlink(far)
    bench.now += limits.TELL_TIME
    bench.device.pair(bench.now)
    bench.with_hub(b"J" * 16)
    bench.hear(far)
    assert bench.route(1, far.identity) == []
    assert bench.wanted == [far.address]
    assert [body[2:] for _, body in bench.hop_all(far, bench.link(far))] == [far.identity]

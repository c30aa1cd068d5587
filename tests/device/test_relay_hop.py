"""The hop to a ward: what is on disk when, and what waits for a link (protocol.md 6, 7, 10)."""

import pytest

from self_secure_device import frames, keyring
from self_secure_device.crypto import sha256, u16
from self_secure_device.errors import DropError, StorageError
from self_secure_device.relay import limits, wards
from self_secure_device.session import INFO, RELAY, ROUTE
from self_secure_device.suites import SUITES
from tests.device.hop_steps import offer, reconnect, restart, ward_of
from tests.device.relay_bench import NOWHERE, TTL, FarDevice, RelayBench

DATA = b"\x10" + bytes(39)


@pytest.fixture
def bench() -> RelayBench:
    made = RelayBench()
    made.with_hub()
    return made


@pytest.fixture
def far() -> FarDevice:
    return FarDevice("a")


# --- on disk


def epochs(bench: RelayBench) -> list[int]:
    return [key.epoch for key in wards.decode(bench.wards[-1])]


def test_both_epochs_are_on_disk_before_r2_and_one_after_r3(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    resume, r1 = offer(far, hello)
    [r2] = bench.notify(far, r1)
    assert epochs(bench) == [1, 0]
    bench.notify(far, resume.renew(frames.decode(r2)).frame)
    assert epochs(bench) == [1]


def test_a_write_that_fails_keeps_r2_back(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    bench.full = True
    assert bench.notify(far, offer(far, hello)[1]) == []
    assert (epochs(bench), bench.events("error")) == ([0], ["cannot store: disk full"])


@pytest.mark.parametrize("got_r2", [False, True])
def test_wherever_the_link_drops_both_share_a_key(bench: RelayBench, far: FarDevice, got_r2: bool) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    resume, r1 = offer(far, hello)
    [r2] = bench.notify(far, r1)
    renewal = resume.renew(frames.decode(r2))
    held = {False: (far.session, far.store), True: (renewal.session, renewal.store)}
    far.session, far.store = held[got_r2]
    said = bench.renew(far, reconnect(bench, far), live=False)
    assert [kind for kind, _ in said] == [ROUTE]
    assert epochs(bench) == [2]


def test_nothing_is_written_for_what_is_carried(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    writes = len(bench.wards)
    bench.carry(1, DATA)
    bench.hop_all(far, bench.written(far))
    bench.hop(far, RELAY, lower + bytes([TTL]) + DATA)
    assert len(bench.wards) == writes


def test_only_the_store_key_is_written(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    session = ward_of(bench, far).session
    for data in bench.wards:
        assert not any(chain in data for chain in session.chains())
        assert far.store in data


def test_the_ward_s_first_frame_drops_older_keys(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [key] = wards.decode(bench.wards[-1])
    assert key.committed


# --- the queue of a hop


def test_what_was_meant_for_a_link_ends_with_it(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.carry(1, DATA)
    bench.written(far)  # outstanding
    bench.route(2, far.identity)  # its ROUTE waits behind
    assert [message.kind for message in ward_of(bench, far).queue] == [RELAY, ROUTE]
    bench.unlink(far)
    assert [message.kind for message in ward_of(bench, far).queue] == [RELAY]
    bench.now += limits.REST
    said = bench.hop_all(far, bench.link(far))
    assert [(kind, body[:2]) for kind, body in said] == [(RELAY, lower), (ROUTE, lower), (ROUTE, u16(int.from_bytes(lower) + 1))]


def test_verified_waits_for_the_next_link(bench: RelayBench, far: FarDevice) -> None:
    bench.collected(far)
    assert bench.wanted == [far.address]
    [response] = bench.link(far)
    [end] = bench.notify(far, far.take(response))
    bench.notify(far, far.take(end))
    far.begin()
    bench.unlink(far)
    bench.now += limits.REST
    assert [kind for kind, _ in bench.hop_all(far, bench.link(far))] == [5, ROUTE]


def test_a_visit_without_anything_to_say_begins_with_a_greeting(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.route(1, NOWHERE)
    assert bench.hop_all(far, bench.written(far)) == [(ROUTE, lower + NOWHERE)]
    bench.unlink(far)
    bench.now += limits.NEWS_REST
    bench.hear(far, far.beacon(1, 3))  # it has become a relay, with something to say
    assert bench.wanted == [far.address]
    assert bench.hop_all(far, bench.link(far)) == [(INFO, b"")]


# --- the snapshot


def key(number: int = 1, identity: bytes = b"a" * 16) -> keyring.Key:
    return keyring.Key(identity, SUITES[0x11], number, 0, bytes([number]) * 32, True, 7)


def test_keys_survive_the_snapshot() -> None:
    [one, two] = wards.decode(wards.encode([key(2), key(1, b"b" * 16)]))
    assert (one.identity, one.pairing, one.store, one.committed, one.mark) == (b"a" * 16, 2, b"\x02" * 32, True, 7)
    assert two.identity == b"b" * 16


def sealed(body: bytes) -> bytes:
    return bytes(body + sha256(body)[:8])


SAMPLE = wards.encode([key()])[:-8]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "damaged"),
        (sealed(SAMPLE)[:-1], "damaged"),
        (sealed(b"SSD" + SAMPLE[3:]), "damaged"),
        (sealed(SAMPLE[:4] + b"\x02" + SAMPLE[5:]), "damaged"),
        (sealed(SAMPLE[:-1]), "damaged"),
        (sealed(SAMPLE + b"x"), "damaged"),
        (sealed(SAMPLE[:3] + b"\x02" + SAMPLE[4:]), "version 2"),
    ],
)
def test_a_damaged_or_newer_snapshot_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(StorageError, match=text):
        wards.decode(data)


def test_a_seventeenth_ward_takes_the_place_of_the_first() -> None:
    saved: list[bytes] = []
    ring = wards.Wards(b"R" * 16, [], b"", saved.append)
    gone = [ring.add(key(0, bytes([number]) * 16)) for number in range(limits.MAX_WARDS + 1)]
    assert gone == [None] * limits.MAX_WARDS + [bytes(16)]
    assert len(wards.decode(saved[-1])) == limits.MAX_WARDS


def test_a_ward_has_six_keys_at_most() -> None:
    ring = wards.Wards(b"R" * 16, [key(number) for number in range(limits.MAX_KEYS - 1, 0, -1)], b"", list[bytes]().append)
    assert ring.admits(b"a" * 16)
    ring.add(key())
    assert not ring.admits(b"a" * 16)


def test_a_resume_drops_older_pairings_and_keeps_newer_ones() -> None:
    middle = key(2)
    ring = wards.Wards(b"R" * 16, [key(4), key(3, b"b" * 16), middle, key(1)], b"", list[bytes]().append)
    fresh = key(2)
    fresh.epoch = 1
    ring.stage(middle, fresh)
    assert [(one.identity[:1], one.pairing, one.epoch) for one in ring.entries] == [(b"a", 4, 0), (b"b", 3, 0), (b"a", 2, 1), (b"a", 2, 0)]
    ring.settle(fresh)
    assert [(one.pairing, one.epoch) for one in ring.entries] == [(4, 0), (3, 0), (2, 1)]


def test_a_frame_that_no_stage_allows_is_dropped(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    for kind, mac in ((frames.R0, 0), (frames.R2, 16), (frames.R3, 16), (frames.RNAK, 0), (frames.GROUP, 16)):
        with pytest.raises(DropError):
            ward_of(bench, far).receive(frames.decode(frames.encode_head(kind, bytes(32)) + bytes(mac)), None, bench.now)

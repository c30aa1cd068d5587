"""The resumes that a relay starts with its wards: when, and what each answer leads to (protocol.md 7)."""

from typing import Any

import pytest

from self_secure_device import frames, keys
from self_secure_device.crypto import u16
from self_secure_device.relay import limits
from self_secure_device.relay.neighbours import ADOPTED
from self_secure_device.session import RELAY, ROUTE
from tests.device.hop_steps import kinds, offer, reconnect, restart, ward_of
from tests.device.relay_bench import NOWHERE, TTL, Entry, FarDevice, RelayBench, rows

DATA = b"\x10" + bytes(39)


@pytest.fixture
def bench() -> RelayBench:
    made = RelayBench()
    made.with_hub()
    return made


@pytest.fixture
def far() -> FarDevice:
    return FarDevice("a")


# --- when a resume starts


def test_a_restarted_relay_resumes_before_it_says_anything(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    written = restart(bench, far)
    assert kinds(written) == [frames.R0]
    assert frames.decode(written[0]).message[16:] == bench.device.identity
    said = bench.renew(far, written)
    assert [(kind, body[2:]) for kind, body in said] == [(ROUTE, far.identity)]


def test_a_ward_whose_beacon_is_forgetful_is_resumed_first(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.unlink(far)
    bench.now += limits.REST
    bench.hear(far, far.beacon(3))
    assert kinds(bench.link(far)) == [frames.R0]


def test_what_the_beacon_says_after_a_resume_is_not_believed(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.renew(far, restart(bench, far))
    bench.unlink(far)
    bench.now += limits.REST
    bench.hear(far, far.beacon(3))
    assert kinds(bench.link(far)) == [frames.DATA]
    bench.unlink(far)
    bench.hear(far, far.beacon(1))
    bench.hear(far, far.beacon(3))
    bench.now += limits.REST
    assert kinds(bench.link(far)) == [frames.R0]


def test_a_ward_that_answers_nothing_is_resumed_after_three_attempts(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.carry(1, DATA)
    written = bench.written(far)
    for _ in range(limits.RETRIES):
        bench.pass_time(ward_of(bench, far)._timeout())
        written += bench.written(far)
    assert [frames.decode(raw).retran for raw in written] == [0, 1, 2]
    bench.pass_time(ward_of(bench, far)._timeout())
    assert [body[:2] for _, body in bench.renew(far, bench.written(far), live=False)] == [lower]


def test_after_32_messages_when_nothing_is_outstanding(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    while ward_of(bench, far).session.messages < limits.EPOCH_MESSAGES - 1:
        bench.hop(far, RELAY, lower + bytes([TTL]) + DATA)
        bench.heard_by_hub(100)
    bench.carry(1, DATA)
    [data] = bench.written(far)
    far.session.sender.load(bytes([RELAY]) + bytes(8) + b"x")
    assert kinds(bench.notify(far, far.session.sender.attempt(b"W" * 16, 0))) == [frames.DACK]  # the 32nd; ours is outstanding
    accepted = far.session.receiver.open(frames.decode(data), b"B" * 16)
    far.session.receiver.commit(accepted)
    assert kinds(bench.notify(far, accepted.dack)) == [frames.R0]


def test_after_48_messages_whatever_is_outstanding(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    bench.carry(1, DATA)
    assert kinds(bench.written(far)) == [frames.DATA]
    while ward_of(bench, far).session.messages < limits.EPOCH_MESSAGES_MAX - 1:
        bench.hop(far, RELAY, lower + bytes([TTL]) + b"")
    far.session.sender.load(bytes([RELAY]) + bytes(8) + b"x")
    assert kinds(bench.notify(far, far.session.sender.attempt(b"W" * 16, 0))) == [frames.DACK, frames.R0]


def test_after_a_day(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.now += limits.EPOCH_TIME - 10_000
    assert [kind for kind, _ in bench.hop_all(far, reconnect(bench, far, 0))] == [ROUTE]
    assert ward_of(bench, far)._challenge is None
    assert kinds(reconnect(bench, far, 10_000)) == [frames.R0]


def test_three_challenges_on_one_link_and_the_next_one_on_another(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    ward = ward_of(bench, far)
    for _ in range(3):
        ward.lost_memory = True
        ward.poll(bench.now)
        bench.renew(far, bench.written(far))
    ward.lost_memory = True
    ward.poll(bench.now)
    assert (bench.written(far), ward.spent, bench.wanted) == ([], True, [])
    written = reconnect(bench, far)
    assert kinds(written) == [frames.R0]


def test_after_an_unanswered_challenge_a_request_may_come_for_a_while(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    assert kinds(restart(bench, far)) == [frames.R0]
    assert bench.heard_by_hub(limits.RESUME_TIME - 1) == []
    assert ward_of(bench, far).failures == 0
    assert bench.heard_by_hub(limits.REQUEST_TIME) == []
    assert (bench.wanted, ward_of(bench, far).failures) == ([far.address], 1)
    assert bench.heard_by_hub(1) == [(ROUTE, u16(1) + NOWHERE)]
    assert bench.wanted == []


def test_an_unanswered_challenge_gives_the_link_up_that_no_path_needs(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    assert kinds(restart(bench, far)) == [frames.R0]
    assert bench.route(1, NOWHERE) == []
    bench.pass_time(limits.RESUME_TIME)
    assert (bench.wanted, ward_of(bench, far).failures) == ([], 1)


def test_a_ward_with_a_key_that_we_never_took_is_adopted_anew(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    known, far.store = far.store, b"x" * 32
    assert kinds(bench.notify(far, offer(far, hello, Entry(far, None))[1])) == [frames.RNAK]
    assert bench.relay.wanted == [far.address]  # at once: who looks before the next poll would hang up
    far.fresh()
    bench.heard_by_hub(5_000)  # with an unused key, a device waits so long
    assert kinds(bench.notify(far, far.request.frame)) == [frames.ACC]
    assert known in {key.store for key in ward_of(bench, far).entries}


def test_the_key_that_is_there_goes_first_on_the_next_link(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    restart(bench, far)
    bench.heard_by_hub(limits.RESUME_TIME)
    assert kinds(reconnect(bench, far)) == [frames.R0]


# --- R1


def fail(bench: RelayBench, far: FarDevice, times: int) -> None:
    """Let resumes remain unanswered, each on a link of its own; the hub asks for the path again and again."""
    for _ in range(times):
        bench.unlink(far)
        bench.now += limits.REST
        bench.hear(far, far.beacon(3))
        bench.route(1, far.identity)
        assert kinds(bench.link(far)) == [frames.R0]
        bench.heard_by_hub(limits.RESUME_TIME)


def test_a_ward_that_answers_no_resume_does_not_count_as_adopted_any_more(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    fail(bench, far, limits.MAX_FAILURES - 1)
    assert bench.relay.adopted_ids == {far.short}
    fail(bench, far, 1)
    bench.heard_by_hub(limits.TELL_TIME)
    assert rows(bench.lists) == [(far.short, 3, -60, 0)]
    bench.unlink(far)
    bench.now += limits.REST
    bench.hear(far, far.beacon(3))
    bench.route(1, far.identity)
    bench.renew(far, bench.link(far), live=False)
    bench.heard_by_hub(limits.TELL_TIME)
    assert rows(bench.lists) == [(far.short, 3 | ADOPTED, -60, 0)]


def test_a_path_to_a_ward_that_answers_nothing_ends_in_time(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.route(1, NOWHERE)
    bench.unlink(far)
    bench.now += limits.REST
    bench.hear(far, far.beacon(3))
    bench.route(2, far.identity)
    bench.link(far)
    assert bench.heard_by_hub(limits.RESUME_TIME) == []
    for _ in range(limits.ADOPTION_TIME // limits.PATH_TIME - 1):
        assert kinds(reconnect(bench, far)) == [frames.R0]
        assert bench.heard_by_hub(limits.PATH_TIME) == []
    assert kinds(reconnect(bench, far)) == [frames.R0]
    assert bench.heard_by_hub(limits.PATH_TIME) == [(ROUTE, u16(2) + NOWHERE)]


def test_live_goes_into_the_root_when_both_have_the_chains(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    ward = ward_of(bench, far)
    ward.lost_memory = True
    ward.poll(bench.now)
    [hello] = bench.written(far)
    resume, r1 = offer(far, hello)
    [r2] = bench.notify(far, r1)
    assert frames.decode(r2).message[8:40] == keys.live_digest(far.session.chains())
    renewal = resume.renew(frames.decode(r2))
    assert not renewal.possible_clone
    far.session, far.store = renewal.session, renewal.store
    assert bench.notify(far, renewal.frame) == []
    assert bench.hop(far, RELAY, lower + bytes([TTL]) + DATA) == []


def test_chains_that_differ_are_a_possible_clone(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    ward = ward_of(bench, far)
    ward.lost_memory = True
    ward.poll(bench.now)
    far.session.sender.chain = b"c" * 32
    [hello] = bench.written(far)
    resume, r1 = offer(far, hello)
    [r2] = bench.notify(far, r1)
    assert resume.renew(frames.decode(r2)).possible_clone
    assert bench.events("possible_clone") == [None]


def test_nothing_is_live_while_ours_is_outstanding(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    bench.carry(1, DATA)
    bench.written(far)
    ward = ward_of(bench, far)
    ward.lost_memory = True
    ward.poll(bench.now)
    [hello] = bench.written(far)
    [r2] = bench.notify(far, offer(far, hello)[1])
    assert frames.decode(r2).message[8:40] == bytes(32)


def test_without_a_common_key_nothing_is_erased(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    before = bench.wards[-1]
    far.store = b"x" * 32
    [refusal] = bench.notify(far, offer(far, hello, Entry(far, None))[1])
    assert refusal == frames.encode_head(frames.RNAK, b"i" * 16)
    assert bench.wards[-1] == before


def test_a_wrong_mac_is_no_common_key(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    r1 = bytearray(offer(far, hello)[1])
    r1[-1] ^= 1
    assert kinds(bench.notify(far, bytes(r1))) == [frames.RNAK]


def test_an_answer_to_another_challenge_is_dropped(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    restart(bench, far)
    other = frames.encode_head(frames.R0, b"o" * 16 + bench.device.identity)
    assert bench.notify(far, offer(far, other)[1]) == []
    assert bench.device.counters == {"out of state": 1}


@pytest.mark.parametrize("count", [0, 5])
def test_an_offer_has_one_to_four_entries(bench: RelayBench, far: FarDevice, count: int) -> None:
    bench.opened(far)
    restart(bench, far)
    message = b"i" * 16 + b"n" * 16 + bytes([count]) + bytes(8 * count) + bytes(64)
    assert bench.notify(far, frames.encode_head(frames.R1, message) + bytes(16 * count)) == []
    assert bench.device.counters == {"malformed": 1}


def test_the_second_entry_may_be_the_common_one(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    newer = Entry(far, None)
    newer.store, newer.epoch = b"x" * 32, 3
    resume, r1 = offer(far, hello, newer, Entry(far, None))
    [r2] = bench.notify(far, r1)
    assert frames.decode(r2).message[:8] == bytes(4) + b"\x00\x00\x00\x04"  # e*, and one above all
    assert resume.renew(frames.decode(r2)).epoch == 4


def test_the_last_epoch_is_not_passed(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    newer = Entry(far, None)
    newer.store, newer.epoch = b"x" * 32, 2**32 - 1
    assert bench.notify(far, offer(far, hello, newer, Entry(far, None))[1]) == []
    assert bench.device.counters == {"out of state": 1}


def test_a_repeated_offer_gets_the_stored_answer_and_another_one_nothing(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    _, r1 = offer(far, hello)
    assert bench.notify(far, r1) == bench.notify(far, r1)
    spoilt = bytearray(r1)
    spoilt[-1] ^= 1
    assert bench.notify(far, bytes(spoilt)) == []


@pytest.mark.parametrize("spoil", [lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), lambda raw: frames.encode_head(frames.R3, b"x") + raw[8:]])
def test_a_wrong_end_of_a_resume_is_dropped(bench: RelayBench, far: FarDevice, spoil: Any) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    resume, r1 = offer(far, hello)
    [r2] = bench.notify(far, r1)
    renewal = resume.renew(frames.decode(r2))
    assert bench.notify(far, spoil(renewal.frame)) == []
    assert ward_of(bench, far).session is None
    assert kinds(bench.notify(far, renewal.frame)) == [frames.DATA]


def test_old_chains_go_on_while_a_resume_waits(bench: RelayBench, far: FarDevice) -> None:
    lower = bench.opened(far)
    ward = ward_of(bench, far)
    ward.lost_memory = True
    ward.poll(bench.now)
    assert kinds(bench.written(far)) == [frames.R0]
    assert bench.hop(far, RELAY, lower + bytes([TTL]) + DATA) == []
    assert bench.heard_by_hub() == [(RELAY, u16(1) + bytes([TTL - 1]) + DATA)]
    bench.carry(1, DATA)
    assert bench.written(far) == []  # nothing of ours before it is complete


def test_the_memory_of_a_resume_dies_with_the_link(bench: RelayBench, far: FarDevice) -> None:
    bench.opened(far)
    [hello] = restart(bench, far)
    _, r1 = offer(far, hello)
    written = reconnect(bench, far)
    assert kinds(written) == [frames.R0]
    assert written != [hello]
    assert bench.notify(far, r1) == []

"""Epochs: resume after a crash at any point, `live`, clones, old keys (protocol.md 7)."""

from typing import Any

import pytest

from self_secure_device import frames, keyring, keys
from self_secure_device.crypto import u32
from tests.device.bench import HUB, TEXT, Bench
from tests.device.responder import HubSession, Renewer


def paired() -> tuple[Bench, HubSession]:
    bench = Bench()
    return bench, bench.pair()


def renewer(bench: Bench) -> Renewer:
    return Renewer(HUB, bench.port.urandom(16), b"t" * 32)


def stored(bench: Bench) -> list[Any]:
    entries: list[Any] = keyring.decode(bench.port.saved[-1])[1]
    return entries


@pytest.mark.parametrize("suite_id", [0x11, 0x01])
def test_resumes_after_a_power_loss(suite_id: int) -> None:
    bench = Bench((suite_id,))
    old = bench.pair(suite_id=suite_id)
    bench.restart()
    assert bench.device.state == 3
    bench.connect()
    hub = bench.resume({0: old.store}, suite_id=suite_id)
    assert bench.events("resumed") == [1]
    assert bench.device.state == 1
    assert [(key.epoch, key.store, key.committed, key.mark) for key in stored(bench)] == [(1, hub.store, True, 1)]
    assert len(bench.tell(hub, TEXT, 2, b"again")) == 1
    assert bench.events("text") == ["again"]


def test_ids_and_marks_go_on_over_epochs() -> None:
    bench, old = paired()
    bench.tell(old, TEXT, 7, b"first")
    bench.restart()
    bench.connect()
    hub = bench.resume({0: old.store})
    bench.tell(hub, TEXT, 7, b"the same again")
    assert bench.events("text") == ["first"]
    bench.device.send(TEXT, b"mine", bench.now)
    assert bench.take(hub, bench.sent()[0])[:2] == (TEXT, 1 << 32 | 1)


def test_an_unacknowledged_message_goes_out_again_under_its_id() -> None:
    bench, old = paired()
    bench.device.send(TEXT, b"mine", bench.now)
    bench.device.send(TEXT, b"next", bench.now)
    [lost] = bench.sent()
    number = old.receiver.open(frames.decode(lost), b"B" * 16).number
    bench.disconnect()
    bench.connect()
    hub = bench.resume({0: old.store})
    kind, again, body, dack = bench.accept(hub, bench.after[0])
    assert (kind, again, body) == (TEXT, number, b"mine")
    [following] = bench.give(dack)
    assert bench.take(hub, following) == (TEXT, 1 << 32 | 1, b"next")


def test_live_goes_into_the_root_when_both_sides_have_the_chains() -> None:
    bench, old = paired()
    hub = bench.resume({0: old.store}, old.chains)
    assert bench.events("possible_clone") == []
    assert len(bench.tell(hub, TEXT, 2, b"hello")) == 1


def test_no_live_while_something_is_unacknowledged() -> None:
    bench, old = paired()
    bench.device.send(TEXT, b"mine", bench.now)
    bench.sent()
    [r1] = bench.give(renewer(bench).hello)
    assert frames.decode(r1).message[-64:-32] == bytes(32)
    assert old.chains != bench.device.peer.session.chains()


def test_different_chains_are_a_possible_clone() -> None:
    bench, old = paired()
    bench.resume({0: old.store}, (b"x" * 32, b"y" * 32))
    assert bench.events("possible_clone") == [None]
    assert bench.events("resumed") == [1]


def test_the_new_key_is_on_disk_before_r3_leaves() -> None:
    bench, old = paired()
    resumer = renewer(bench)
    [r1] = bench.give(resumer.hello)
    r2 = resumer.renew(r1, {0: old.store})
    bench.port.broken = True
    assert bench.give(r2) == []
    assert bench.device.peer.session.epoch == 0
    bench.port.broken = False
    [r3] = bench.give(r2)
    assert resumer.check(r3)
    assert stored(bench)[0].store == keys.store_key(resumer.root)


@pytest.mark.parametrize("lost", ["r1", "r3"])
def test_both_sides_share_a_key_wherever_the_link_drops(lost: str) -> None:
    bench, old = paired()
    resumer = renewer(bench)
    [r1] = bench.give(resumer.hello)
    held = {0: old.store}
    r2 = resumer.renew(r1, held)
    held |= {1: keys.store_key(resumer.root)}  # R writes both before R2 leaves
    for frame in {"r1": [], "r3": [r2]}[lost]:
        bench.give(frame)
    bench.restart()
    bench.connect()
    bench.resume(held)
    assert stored(bench)[0].epoch == 2


def test_r0_alone_changes_nothing() -> None:
    bench, old = paired()
    saved = len(bench.port.saved)
    bench.give(renewer(bench).hello)
    bench.disconnect()
    bench.connect()
    assert len(bench.port.saved) == saved
    assert len(bench.tell(old, TEXT, 2, b"the old chains go on")) == 1


def test_after_r1_only_r2_counts() -> None:
    bench, old = paired()
    bench.give(renewer(bench).hello)
    assert bench.tell(old, TEXT, 2, b"too late") == []
    bench.device.send(TEXT, b"waits", bench.now)
    assert bench.pass_time(60_000) == []
    assert bench.device.counters == {"out of state": 1}


def test_an_identical_r0_gets_the_same_r1_and_another_forgets_it() -> None:
    bench, old = paired()
    first, second = renewer(bench), renewer(bench)
    [r1] = bench.give(first.hello)
    assert bench.give(first.hello) == [r1]
    r2 = first.renew(r1, {0: old.store})
    [other] = bench.give(second.hello)
    assert other != r1
    assert bench.give(r2) == []
    assert bench.device.counters == {"wrong MAC": 1}


def test_three_r0_per_connection() -> None:
    bench, _ = paired()
    answers = [bench.give(renewer(bench).hello) for _ in range(4)]
    assert [len(answer) for answer in answers] == [1, 1, 1, 0]
    bench.disconnect()
    bench.connect()
    assert len(bench.give(renewer(bench).hello)) == 1


def test_r2_counts_once() -> None:
    bench, old = paired()
    resumer = renewer(bench)
    [r1] = bench.give(resumer.hello)
    r2 = resumer.renew(r1, {0: old.store})
    assert len(bench.give(r2)) == 1
    assert bench.give(r2) == []
    assert bench.events("resumed") == [1]


def test_the_memory_of_a_resume_dies_with_the_connection() -> None:
    bench, old = paired()
    resumer = renewer(bench)
    [r1] = bench.give(resumer.hello)
    bench.disconnect()
    bench.connect()
    assert bench.give(resumer.renew(r1, {0: old.store})) == []


def test_r0_of_another_hub_is_dropped() -> None:
    bench, _ = paired()
    assert bench.give(Renewer(b"?" * 16, b"n" * 16, b"t" * 32).hello) == []


def test_rnak_ends_the_resume_and_erases_nothing() -> None:
    bench, old = paired()
    [r1] = bench.give(renewer(bench).hello)
    bench.give(frames.encode_head(frames.RNAK, b"?" * 16))
    assert bench.events("resume_refused") == []
    bench.give(frames.encode_head(frames.RNAK, frames.decode(r1).message[:16]))
    assert bench.events("resume_refused") == [None]
    assert len(stored(bench)) == 1
    assert len(bench.tell(old, TEXT, 2, b"the old chains go on")) == 1


@pytest.mark.parametrize(("old_epoch", "epoch"), [(0, 0), (1, 1), (5, 6)])
def test_epochs_must_fit(old_epoch: int, epoch: int) -> None:
    bench, _ = paired()
    bench.give(renewer(bench).hello)
    message = u32(old_epoch) + u32(epoch) + bytes(32) + b"p" * 32
    assert bench.give(frames.encode_head(frames.R2, message) + bytes(16)) == []
    assert sum(bench.device.counters.values()) == 1


def test_a_public_key_of_small_order_is_dropped() -> None:
    bench, _ = paired()
    bench.give(renewer(bench).hello)
    assert bench.give(frames.encode_head(frames.R2, u32(0) + u32(1) + bytes(64)) + bytes(16)) == []
    assert bench.device.counters == {"wrong MAC": 1}


def test_a_frozen_chain_is_resumed() -> None:
    bench, old = paired()
    bench.device.send(TEXT, b"mine", bench.now)
    bench.pass_time(60_000)
    assert bench.device.state == 3
    hub = bench.resume({0: old.store})
    assert bench.take(hub, bench.after[0])[2] == b"mine"
    assert bench.device.state == 1

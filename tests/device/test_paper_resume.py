"""Suite `paper`: recovery from the W-round keys after a power loss at any point (protocol.md 7 and 8)."""

from typing import Any

import pytest

from self_secure_device import frames, keyring, keys
from self_secure_device.crypto import tag, u32
from self_secure_device.paper import chains, packets
from tests.device.bench import HUB, TEXT, VERIFIED
from tests.device.paper_bench import PaperBench
from tests.device.paper_hub import TO_DEVICE, TO_HUB, PaperHubSession, PaperRenewer


def paired() -> tuple[PaperBench, PaperHubSession]:
    bench = PaperBench()
    return bench, bench.paired()


def stored(bench: PaperBench) -> list[Any]:
    entries: list[Any] = keyring.decode(bench.port.saved[-1])[1]
    return entries


def numbers(store: bytes) -> list[list[int]]:
    """The stored j of direction 0 and of direction 1."""
    return [[j for j, _ in chains.rounds(store, d)] for d in (TO_HUB, TO_DEVICE)]


def hub_says(bench: PaperBench, hub: PaperHubSession, count: int, first: int = 2) -> None:
    for number in range(first, first + count):
        [dack] = bench.say(hub, TEXT, number, b"%d" % number)
        bench.hear(hub, dack)


def device_says(bench: PaperBench, hub: PaperHubSession, count: int) -> None:
    for _ in range(count):
        bench.device.send(TEXT, b"mine", bench.now)
        bench.fetch(hub, bench.sent()[0])


def power_loss(bench: PaperBench) -> None:
    bench.restart()
    assert bench.device.state == 3
    bench.connect()


def test_resumes_with_a_fresh_key_that_the_stored_one_does_not_show() -> None:
    bench, old = paired()
    power_loss(bench)
    hub = bench.renew(old.store)
    assert bench.events("resumed") == [1]
    assert bench.device.state == 1
    [key] = stored(bench)
    assert (key.committed, key.mark, key.store) == (True, 1, hub.store)
    assert numbers(key.store) == [[1], [1]]
    assert all(new not in old.store for new in (hub.sender.chain, hub.receiver.chain))
    hub_says(bench, hub, 1)
    assert bench.events("text") == ["2"]


def test_seq_and_the_count_since_the_last_save_start_again_and_ids_go_on() -> None:
    bench, old = paired()
    device_says(bench, old, 35)
    power_loss(bench)
    hub = bench.renew(old.store)
    assert numbers(hub.store) == [[2], [1]]
    bench.device.send(TEXT, b"mine", bench.now)
    assert bench.fetch(hub, bench.sent()[0]) == (TEXT, 2 << 32 | 1, b"mine")
    device_says(bench, hub, 31)
    assert numbers(stored(bench)[0].store) == [[3, 2], [1]]


def test_two_resumes_lead_to_two_keys() -> None:
    bench, old = paired()
    first = bench.renew(old.store)
    second = bench.renew(first.store)
    assert numbers(second.store) == [[2], [2]]
    assert first.sender.chain != second.sender.chain


def test_the_first_r1_in_every_byte() -> None:
    bench, old = paired()
    hub_says(bench, old, 32)
    power_loss(bench)
    renewer = PaperRenewer(HUB, b"n" * 16)
    [r1] = bench.give(renewer.hello)
    rows = [(d, j, key) for d in (TO_HUB, TO_DEVICE) for j, key in chains.rounds(stored(bench)[0].store, d)]
    listed = b"".join(bytes([d]) + u32(j) + keys.key_id(key) for d, j, key in rows)
    assert [row[:2] for row in rows] == [(0, 0), (1, 1), (1, 0)]
    head = frames.encode_head(frames.R1, r1[9:25] + b"n" * 16 + b"\x03" + listed + bytes(64))
    assert r1 == b"\xa1" + head + b"".join(tag(keys.resume_key(key), b"R1", head) for _, _, key in rows)


@pytest.mark.parametrize(("hub_ahead", "taken"), [(True, [0, 0]), (False, [1, 0])])
def test_the_hub_may_be_one_w_round_ahead(hub_ahead: bool, taken: list[int]) -> None:
    bench, old = paired()
    device_says(bench, old, 30)
    bench.device.send(TEXT, b"the 32nd", bench.now)
    dack = bench.read(old, bench.sent()[0])[3]
    for lost_or_not in [[dack], []][hub_ahead]:
        bench.give(lost_or_not)
    assert numbers(old.store)[0] == [1, 0]
    power_loss(bench)
    bench.renew(old.store)
    assert bench.taken == taken


def test_the_device_may_be_one_w_round_ahead() -> None:
    bench, old = paired()
    hub_says(bench, old, 30)
    bench.say(old, TEXT, 40, b"the 32nd")
    assert numbers(stored(bench)[0].store) == [[0], [1, 0]]
    assert numbers(old.store) == [[0], [0]]
    power_loss(bench)
    hub = bench.renew(old.store)
    assert bench.taken == [0, 0]
    assert numbers(hub.store) == [[1], [2]]
    bench.say(hub, TEXT, 40, b"the 32nd again")
    bench.say(bench.renew(hub.store), TEXT, 41, b"the 33rd")
    assert bench.events("text")[-2:] == ["the 32nd", "the 33rd"]


@pytest.mark.parametrize("position", [0, 1, 8, 9, 16, -1])
def test_a_wrong_r2_is_dropped_and_the_right_one_still_counts(position: int) -> None:
    bench, old = paired()
    power_loss(bench)
    renewer = bench.renewer()
    [r1] = bench.give(renewer.hello)
    r2 = renewer.renew(r1, old.store)
    wrong = bytearray(r2)
    wrong[position] ^= 1
    assert bench.give(bytes(wrong)) == []
    assert sum(bench.device.counters.values()) == 1
    assert stored(bench)[0].store == old.store
    [r3] = bench.give(r2)
    assert renewer.check(r3)


@pytest.mark.parametrize("message", [b"", u32(0), bytes(9), bytes(72)])
def test_r2_has_eight_bytes(message: bytes) -> None:
    bench, _ = paired()
    bench.give(bench.renewer().hello)
    assert bench.give(packets.wrap(frames.encode_head(frames.R2, message) + bytes(16))) == []
    assert bench.device.counters == {"malformed": 1}


def test_the_new_key_is_on_disk_before_r3_leaves() -> None:
    bench, old = paired()
    renewer = bench.renewer()
    [r1] = bench.give(renewer.hello)
    r2 = renewer.renew(r1, old.store)
    bench.port.broken = True
    assert bench.give(r2) == []
    bench.port.broken = False
    [r3] = bench.give(r2)
    assert renewer.check(r3)
    assert stored(bench)[0].store == renewer.session().store
    assert bench.give(r2) == []


def test_no_common_key_erases_nothing() -> None:
    bench, old = paired()
    power_loss(bench)
    [r1] = bench.give(bench.renewer().hello)
    bench.give(packets.wrap(frames.encode_head(frames.RNAK, r1[9:25])))
    assert bench.events("resume_refused") == [None]
    bench.renew(old.store)


def test_an_identical_r0_gets_the_same_r1_and_a_fourth_gets_none() -> None:
    bench, _ = paired()
    renewer = bench.renewer()
    answers = [bench.give(renewer.hello) for _ in range(4)]
    assert answers[0] == answers[1] == answers[2] != []
    assert answers[3] == []


def test_a_plain_r0_is_not_ours() -> None:
    bench, _ = paired()
    assert bench.give(bench.renewer().hello[1:]) == []
    assert bench.give(b"\xa2" + bench.renewer().hello[1:]) == []
    assert bench.device.counters == {"out of state": 1, "malformed": 1}


def test_after_r1_only_r2_counts() -> None:
    bench, old = paired()
    bench.give(bench.renewer().hello)
    assert bench.say(old, TEXT, 2, b"too late") == []
    bench.disconnect()
    bench.connect()
    assert len(bench.repeat(old)) == 1


# --- a new pairing beside the old one --------------------------------------------------------------------------------


def again(bench: PaperBench) -> PaperHubSession:
    bench.disconnect()
    bench.device.pair(bench.now)
    return bench.settle()


def test_a_pairing_whose_hub_never_spoke_resumes_and_is_committed() -> None:
    bench = PaperBench()
    first = bench.settle()
    bench.restart()
    bench.connect()
    hub = bench.renew(first.store)
    assert bench.events("paired") == [None]
    assert numbers(hub.store) == [[1], [1]]
    assert stored(bench)[0].committed


def test_the_newest_pairing_stands_first_and_goes_on_from_both_highest() -> None:
    bench, old = paired()
    device_says(bench, old, 31)
    new = again(bench)
    power_loss(bench)
    renewer = bench.renewer()
    [r1] = bench.give(renewer.hello)
    assert [row[:2] for row in renewer.listed(r1)] == [(0, 0), (1, 0), (0, 1), (0, 0), (1, 0)]
    [r3, *_] = bench.give(renewer.renew(r1, new.store))
    assert renewer.check(r3)
    [key] = stored(bench)
    assert (key.pairing, key.committed, key.mark) == (2, True, 0)
    assert numbers(key.store) == [[2], [1]]


def test_the_old_pairing_decides_when_the_hub_holds_only_that() -> None:
    bench, old = paired()
    again(bench)
    power_loss(bench)
    bench.renew(old.store)
    assert [key.pairing for key in stored(bench)] == [1]


def test_old_chains_go_on_until_the_new_pairing_is_committed() -> None:
    bench, old = paired()
    new = again(bench)
    hub_says(bench, old, 35)
    assert [numbers(key.store) for key in stored(bench)] == [[[0], [0]], [[0], [1, 0]]]
    device_says(bench, old, 35)
    assert [numbers(key.store) for key in stored(bench)] == [[[0], [0]], [[1, 0], [1, 0]]]
    assert len(bench.say(new, VERIFIED, 1, b"\x01")) == 2
    assert [(key.pairing, key.committed) for key in stored(bench)] == [(2, True)]

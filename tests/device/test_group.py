"""A device as a member of groups: keys, frames, receipts, silence, and what outlives a power cut (protocol.md 9)."""

import sys
from typing import Any

import pytest

from self_secure_device import frames, keyring, limits
from self_secure_device.crypto import u16, u32
from self_secure_device.errors import StorageError
from tests.device.bench import HUB, Bench
from tests.device.group_hub import GROUP_KEY, READINGS, SECRET, TEXT, GroupHub, of_member, paired
from tests.device.household import household


@pytest.fixture
def hub() -> GroupHub:
    """The hub of a member that has the key of message 0."""
    hub = paired()
    assert hub.offer() == []
    return hub


def texts(hub: GroupHub) -> list[str]:
    return hub.bench.events("text")


def counted(hub: GroupHub) -> dict[str, int]:
    return dict(hub.bench.device.counters)


def spoiled(frame: bytes, bit: int) -> bytes:
    data = bytearray(frame)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


# --- messages


def test_a_message_is_delivered_once_and_confirmed(hub: GroupHub) -> None:
    assert hub.tell("Grüße") == [hub.receipt(0)]
    assert hub.tell("again") == [hub.receipt(1)]
    assert texts(hub) == ["Grüße", "again"]


def test_whose_it_was_and_for_which_group(hub: GroupHub) -> None:
    seen: list[tuple[bytes, int | None]] = []
    device: Any = hub.bench.device
    hub.bench.port.event = lambda kind, value: seen.append((device.hub, device.group))  # type: ignore[method-assign]  # a listener in its place
    hub.bench.give(hub.seal(0, bytes([TEXT]) + b"x"))
    assert seen == [(HUB, 7)]
    assert device.group is None


def test_readings_are_information_too(hub: GroupHub) -> None:
    hub.bench.give(hub.seal(0, bytes([READINGS]) + b"\x02\xca\x09"))
    assert hub.bench.events("readings") == [b"\x02\xca\x09"]


@pytest.mark.parametrize("kind", [0, 3, 4, 5, 6, 7, 8, 9, 10, 0x1F, 0xFF])
def test_a_command_is_dropped_and_counted_whoever_has_sealed_it(hub: GroupHub, kind: int) -> None:
    assert hub.bench.give(hub.seal(0, bytes([kind]) + b"open the door")) == []
    assert counted(hub) == {"out of state": 1}
    assert hub.tell("the genuine one") == [hub.receipt(0)]


def test_a_text_that_is_none_is_told_and_confirmed(hub: GroupHub) -> None:
    [receipt] = hub.bench.give(hub.seal(0, bytes([TEXT]) + b"\xff"))
    assert hub.take(receipt) == hub.receipt(0)
    assert hub.bench.events("error") == ["a text that is not UTF-8"]


def test_the_longest_message(hub: GroupHub) -> None:
    assert hub.tell("x" * limits.MAX_BODY) == [hub.receipt(0)]


# --- silence


def test_any_flipped_bit_is_silence_and_changes_nothing(hub: GroupHub) -> None:
    frame = hub.seal(0, bytes([TEXT]) + b"x")
    for bit in range(8 * len(frame)):
        assert hub.bench.give(spoiled(frame, bit)) == []
    assert sum(counted(hub).values()) >= 8 * len(frame) - 8 * 16  # what a MAC's own bits change is counted as well
    assert texts(hub) == []
    assert hub.tell("x") == [hub.receipt(0)]


def test_a_replay_is_not_delivered_again(hub: GroupHub) -> None:
    hub.tell("one")
    hub.tell("two")
    assert hub.tell("one", 0) == []
    assert texts(hub) == ["one", "two"]


def test_only_the_last_message_gets_its_receipt_again(hub: GroupHub) -> None:
    hub.tell("one")
    hub.tell("two")
    assert hub.tell("two", 1) == [hub.receipt(1)]
    assert hub.tell("two?", 1) == []
    assert texts(hub) == ["one", "two"]


def test_a_receipt_that_was_not_sent_yet_is_not_queued_twice(hub: GroupHub) -> None:
    hub.bench.disconnect()
    hub.bench.device.connected(247)  # somebody who does not subscribe
    for _ in range(3):
        hub.bench.give(hub.seal(0, bytes([TEXT]) + b"x"))
    assert len(hub.bench.device.peer.queue) == 1


@pytest.mark.parametrize(("n", "confirmed"), [(limits.MAX_SKIP, True), (limits.MAX_SKIP + 1, False)])
def test_how_far_a_member_skips(hub: GroupHub, n: int, confirmed: bool) -> None:
    assert hub.tell("far ahead", n) == [hub.receipt(n)] * confirmed
    assert texts(hub) == ["far ahead"] * confirmed


def test_the_keys_of_what_was_skipped_are_gone(hub: GroupHub) -> None:
    hub.tell("far ahead", 10)
    assert hub.tell("late", 9) == []
    assert hub.key(9) not in {group.key for group in hub.bench.device.groups._groups.values()}


def test_a_frame_too_far_ahead_moves_nothing(hub: GroupHub) -> None:
    hub.tell("x", limits.MAX_SKIP + 1)
    assert hub.tell("first", 0) == [hub.receipt(0)]


@pytest.mark.parametrize("other", [{"version": 2}, {"version": 0}, {"gid": 8}, {"secret": b"X" * 32}])
def test_who_is_not_in_this_version_of_the_group_says_nothing_to_it(hub: GroupHub, other: dict[str, Any]) -> None:
    stranger = GroupHub(hub.bench, hub.session, **other)
    assert stranger.tell("x") == []
    assert texts(hub) == []


def test_without_a_key_every_frame_is_silence() -> None:
    hub = paired()
    assert hub.tell("x") == []
    assert counted(hub) == {"out of state": 1}


@pytest.mark.parametrize("message", [b"", u16(7) + u32(1)])
def test_a_frame_without_a_text(hub: GroupHub, message: bytes) -> None:
    assert hub.bench.give(frames.encode_head(frames.GROUP, message, 0, 0) + bytes(16)) == []
    assert counted(hub) == {"malformed": 1}


def test_a_second_attempt_does_not_exist(hub: GroupHub) -> None:
    frame = bytearray(hub.seal(0, bytes([TEXT]) + b"x"))
    frame[1] = 1
    assert hub.bench.give(bytes(frame)) == []
    assert counted(hub) == {"malformed": 1}


def test_while_a_resume_runs_no_frame_is_taken(hub: GroupHub) -> None:
    hub.bench.give(frames.encode_head(frames.R0, bytes(16) + HUB))
    assert hub.bench.give(hub.seal(0, bytes([TEXT]) + b"x")) == []
    hub.bench.disconnect()
    hub.bench.connect()
    assert hub.tell("x") == [hub.receipt(0)]


# --- keys


@pytest.mark.parametrize(("version", "n"), [(1, 0), (1, 1), (2, 0), (2, 9)])
def test_a_key_that_is_new(hub: GroupHub, version: int, n: int) -> None:
    other = GroupHub(hub.bench, hub.session, version=version, secret=b"2" * 32)
    other.ids = hub.ids
    assert other.offer(n) == []
    assert other.tell("x", n) == [other.receipt(n)]


def test_a_key_for_what_was_accepted_is_refused_with_a_question(hub: GroupHub) -> None:
    hub.tell("x")
    [asked] = hub.offer(0)
    assert hub.take(asked) == hub.sync(1)
    assert counted(hub) == {"old group key": 1}
    assert hub.tell("x", 0) == [hub.receipt(0)]  # the last one, again: not delivered
    assert texts(hub) == ["x"]


def test_a_key_of_an_older_version_is_refused_with_a_question(hub: GroupHub) -> None:
    later = GroupHub(hub.bench, hub.session, version=5)
    later.ids = hub.ids
    later.offer()
    hub.ids = later.ids
    [asked] = hub.offer()
    assert hub.take(asked) == hub.sync(5)
    assert hub.tell("x") == []


@pytest.mark.parametrize("size", [0, 41, 43])
def test_a_key_of_another_length_is_counted(hub: GroupHub, size: int) -> None:
    assert hub.say(GROUP_KEY, bytes(size)) == []
    assert counted(hub) == {"old group key": 1}


def test_a_repeated_key_is_taken_once(hub: GroupHub) -> None:
    """The same DATA again gets its stored acknowledgement."""
    hub.tell("x")
    again = hub.session.sender  # the DATA of `offer` was acknowledged: only an id that is not above the mark is left
    again.load(bytes([GROUP_KEY]) + u32(0) + u32(2) + hub.place(0) + SECRET)
    [dack] = hub.bench.give(again.attempt(b"R" * 16, hub.bench.now))
    again.acknowledge(frames.decode(dack))
    assert hub.tell("y") == [hub.receipt(1)]


def test_four_groups_of_one_hub_and_one_more() -> None:
    hub = paired()
    groups = [GroupHub(hub.bench, hub.session, gid=gid) for gid in range(limits.MAX_GROUPS + 1)]
    for number, group in enumerate(groups):
        group.ids = 1 + number
        group.offer()
    assert groups[0].tell("the oldest has gone") == []
    assert [group.tell("x") for group in groups[1:]] == [[group.receipt(0)] for group in groups[1:]]


def test_two_hubs_may_have_groups_of_one_number() -> None:
    bench, members = household("a", "b")
    groups = []
    for member, secret in zip(members, (b"1" * 32, b"2" * 32), strict=True):
        bench.connect()
        member.resume()
        group = of_member(member, secret=secret)
        groups.append(group)
        group.offer()
        assert group.tell("x") == [group.receipt(0)]
        bench.disconnect()
    assert bench.events("text") == ["x", "x"]


def test_a_device_of_several_hubs_confirms_when_it_knows_who_is_there() -> None:
    """Any member could have sent the frame: it does not show its hub."""
    bench, members = household("a", "b")
    bench.connect()
    members[0].resume()
    group = of_member(members[0])
    group.offer()
    bench.disconnect()
    bench.connect()
    assert group.tell("x") == []
    assert bench.events("text") == ["x"]
    [receipt] = group.say(6, b"")
    assert group.take(receipt) == group.receipt(0)


# --- what is stored


def stored(bench: Bench) -> bytes:
    floors: bytes = keyring.decode(bench.port.saved[-1])[2]
    return floors


FLOOR = HUB + u16(7) + u32(1)


def test_the_version_is_on_the_disk_before_the_key_is_acknowledged() -> None:
    hub = paired()
    hub.bench.port.broken = True
    hub.session.sender.load(bytes([GROUP_KEY]) + u32(0) + u32(2) + hub.place(0) + SECRET)
    assert hub.bench.give(hub.session.sender.attempt(b"R" * 16, hub.bench.now)) == []
    assert hub.tell("x") == []
    hub.bench.port.broken = False
    [dack] = hub.bench.give(hub.session.sender.attempt(b"R" * 16, hub.bench.now))
    hub.session.sender.acknowledge(frames.decode(dack))
    assert stored(hub.bench) == FLOOR
    assert hub.tell("x", 0) == [hub.receipt(0)]


def test_the_key_is_never_written(hub: GroupHub) -> None:
    hub.tell("x")
    hub.tell("y")
    written = b"".join(hub.bench.port.saved)
    assert [hub.key(n) in written for n in range(4)] == [False] * 4


def test_messages_write_nothing(hub: GroupHub) -> None:
    before = len(hub.bench.port.saved)
    hub.tell("x")
    assert len(hub.bench.port.saved) == before


def restarted(hub: GroupHub) -> list[bytes]:
    """Cut the power, resume; return what the device says of its own behind that."""
    hub.bench.restart()
    hub.bench.connect()
    hub.session = hub.bench.resume({hub.session.epoch: hub.session.store})
    hub.ids = 0
    return hub.bench.after


def test_a_restarted_device_asks_for_its_keys_once(hub: GroupHub) -> None:
    hub.tell("before")
    [asked] = restarted(hub)
    assert hub.take(asked) == hub.sync(1)
    assert hub.tell("silence") == []
    hub.session = hub.bench.resume({hub.session.epoch: hub.session.store})
    assert hub.bench.after == []
    hub.ids = 0
    hub.offer(1)
    assert hub.tell("after", 1) == [hub.receipt(1)]
    assert texts(hub) == ["before", "after"]


def test_the_question_goes_ahead_of_what_was_not_sent(hub: GroupHub) -> None:
    """The hub has to know that the memory is gone before it takes a reading for a proof of it."""
    bench = hub.bench
    bench.restart()
    bench.connect()
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    hub.session = bench.resume({hub.session.epoch: hub.session.store})
    [asked] = bench.after
    kind, _, body, dack = bench.accept(hub.session, asked)
    assert (kind, body) == hub.sync(1)
    [reading] = bench.give(dack)
    assert hub.take(reading) == (READINGS, b"\x01\x50")


def test_a_question_that_waits_is_withdrawn_by_the_key(hub: GroupHub) -> None:
    """What is said behind the key would be its refusal."""
    second = GroupHub(hub.bench, hub.session, gid=9)
    second.ids = hub.ids
    second.offer()
    [asked] = restarted(hub)
    second.session, second.ids = hub.session, hub.ids
    second.offer(1)
    _, _, body, dack = hub.bench.accept(hub.session, asked)
    assert body == hub.sync(1)[1]
    assert hub.bench.give(dack) == []
    assert second.tell("after", 1) == [second.receipt(1)]


def test_a_resume_with_the_key_in_memory_asks_nothing(hub: GroupHub) -> None:
    hub.session = hub.bench.resume({hub.session.epoch: hub.session.store}, hub.session.chains)
    assert hub.bench.after == []


def test_what_was_accepted_before_a_power_cut_is_not_delivered_again(hub: GroupHub) -> None:
    hub.tell("x")
    restarted(hub)
    assert hub.tell("x", 0) == []
    assert texts(hub) == ["x"]


def test_an_older_version_is_refused_after_a_restart(hub: GroupHub) -> None:
    later = GroupHub(hub.bench, hub.session, version=9)
    later.ids = hub.ids
    later.offer()
    hub.take(restarted(hub)[0])
    [asked] = hub.offer()
    assert hub.take(asked) == hub.sync(9)


@pytest.mark.parametrize("how", ["forget", "reset"])
def test_who_forgets_a_hub_forgets_its_groups(hub: GroupHub, how: str) -> None:
    device: Any = hub.bench.device
    {"forget": lambda: device.forget(HUB), "reset": device.reset}[how]()
    assert stored(hub.bench) == b""
    assert hub.tell("x") == []
    assert not device.groups or device.groups._groups == {}


def test_a_new_pairing_ends_the_groups_of_the_old_one(hub: GroupHub) -> None:
    bench = hub.bench
    bench.disconnect()
    bench.device.pair(bench.now)
    session = bench.open()
    assert stored(bench) == FLOOR  # the old pairing is in use until the hub has shown itself under the new one
    bench.tell(session, 5, 1, b"\x01")
    assert stored(bench) == b""
    groups: Any = bench.device.groups
    assert groups._groups == {}
    assert hub.tell("x") == []


def test_a_resume_keeps_the_groups(hub: GroupHub) -> None:
    restarted(hub)
    assert stored(hub.bench) == FLOOR


def test_version_4_is_written_only_where_there_are_groups(hub: GroupHub) -> None:
    assert {saved[3] for saved in hub.bench.port.saved} == {1, 4}
    assert hub.bench.port.saved[-1][3] == 4
    hub.bench.device.reset()
    assert hub.bench.port.saved[-1][3] == 1


def test_a_cut_snapshot_with_groups_is_refused(hub: GroupHub) -> None:
    saved = hub.bench.port.saved[-1]
    for length in range(len(saved)):
        with pytest.raises(StorageError):
            keyring.decode(saved[:length])


def test_a_firmware_without_groups_acknowledges_and_ignores_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "self_secure_device.group", None)
    hub = paired()
    assert hub.offer() == []
    assert hub.tell("x") == []
    assert hub.bench.device.groups is None
    assert hub.bench.port.saved[-1][3] == 1

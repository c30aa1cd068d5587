"""One device's way for the messages of its groups: keys first, one frame at a time, receipts, and what is given up (protocol.md 9)."""

from typing import Any

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import NotPairedError
from custom_components.self_secure.protocol.events import GroupKeyed, GroupSettled, GroupSynced, MessageReceived, MessageType
from custom_components.self_secure.protocol.group import GroupKey, Place
from custom_components.self_secure.protocol.group_sender import Group
from custom_components.self_secure.protocol.packets import FrameType

from .bench import PAYLOAD, Bench
from .renewal import Renewing
from .test_pairing_again import pair_again

SECRET = bytes(range(32))
GID = 0x0107


class Grouped:
    """A device on the bench and a group that it is in; the device's half is what its chain and the test say."""

    def __init__(self, talking: Renewing) -> None:
        self.talking, self.bench = talking, talking.bench
        self.group = Group(GID)
        self.group.begin(1, {}, SECRET)

    def send(self, body: bytes = b"x") -> bytes:
        """Send one message; return its frame."""
        message = self.group.seal(MessageType.TEXT, body)
        self.bench.call("send_group", message)
        return message.frame

    def keyed(self) -> None:
        """Send a first message and acknowledge its key: the frame is on its way."""
        self.send()
        self.talking.acknowledge()

    def met(self) -> None:
        """Drop the link; over the next one, answer the greeting."""
        self.talking.deliver(self.talking.accept(self.talking.reconnect()))

    def resume(self) -> None:
        """Change the epoch over the open link."""
        self.bench.call("rotate")
        self.talking.hello = self.bench.frames[-1]
        self.talking.complete()

    def doubted(self) -> None:
        """Confirm nothing until the hub asks for a new epoch; then answer its greeting."""
        for _ in range(limits.GROUP_SILENCES_DOUBTFUL):
            self.bench.wait(limits.GROUP_RETRY)
        self.talking.hello = self.bench.frames[-1]
        self.talking.complete()
        self.talking.acknowledge()

    def sync(self) -> None:
        """The device asks for the key."""
        self.say(MessageType.GROUP_SYNC, bytes.fromhex("010700000001"))

    def receipt(self, n: int, version: int = 1) -> None:
        """The device confirms one message through its chain."""
        self.say(MessageType.INFO, bytes([6, 10]) + bytes(Place(GID, version, n)))

    def say(self, kind: int, body: bytes) -> None:
        """Let the device say something; its acknowledgement is the hub's first answer."""
        before = len(self.bench.frames)
        self.talking.deliver(self.talking.data(kind, body))
        self.talking.settle(self.bench.frames[before])

    @property
    def sent(self) -> list[bytes]:
        """All group frames so far."""
        return [raw for raw in self.bench.frames if raw[0] == FrameType.GROUP]

    @property
    def offers(self) -> list[GroupKey]:
        """The GROUP_KEY messages that wait or are under way."""
        messaging = self.bench.hub.connection._messaging
        assert messaging is not None
        queue = messaging.memory.state.queue
        return [GroupKey.decode(message.body) for message in queue if message.type == MessageType.GROUP_KEY]

    @property
    def settled(self) -> list[tuple[int, bool]]:
        """(n, delivered) of all that is settled."""
        return [(event.n, event.delivered) for event in self.bench.told(GroupSettled)]


@pytest.fixture
def grouped(talking: Renewing) -> Grouped:
    return Grouped(talking)


def test_a_group_needs_a_key_with_the_device() -> None:
    group = Group(GID)
    group.begin(1, {}, SECRET)
    with pytest.raises(NotPairedError):
        Bench().hub.connection.send_group(group.seal(MessageType.TEXT, b""), 0)


def test_the_key_goes_first_and_the_frame_after_its_acknowledgement(grouped: Grouped) -> None:
    frame = grouped.send()
    assert grouped.sent == []
    assert grouped.offers == [GroupKey.decode(bytes(Place(GID, 1, 0)) + SECRET)]
    grouped.talking.acknowledge()
    assert grouped.sent == [frame]
    assert grouped.bench.told(GroupKeyed) == [GroupKeyed(GID, 1)]
    assert grouped.bench.hub.connection.group_version(GID) == 1


def test_the_key_is_on_no_disk(grouped: Grouped) -> None:
    grouped.send()
    grouped.bench.call("send", MessageType.TEXT, b"stored")
    stored = repr(grouped.bench.store.snapshot)
    assert b"stored".hex() in stored
    assert SECRET.hex() not in stored


def test_one_frame_at_a_time_and_each_receipt_brings_the_next(grouped: Grouped) -> None:
    grouped.keyed()
    second = grouped.send(b"2")
    assert len(grouped.sent) == 1
    grouped.bench.now += 0.25
    grouped.receipt(0)
    assert grouped.sent[1:] == [second]
    grouped.receipt(1)
    assert grouped.bench.told(GroupSettled) == [GroupSettled(GID, 1, 0, True, 0.25), GroupSettled(GID, 1, 1, True, 0.0)]
    assert len(grouped.offers) == 0


@pytest.mark.parametrize("place", [Place(GID, 1, 1), Place(GID, 2, 0), Place(GID + 1, 1, 0)])
def test_a_receipt_of_what_was_not_sent_settles_nothing(grouped: Grouped, place: Place) -> None:
    grouped.keyed()
    grouped.send(b"2")
    grouped.say(MessageType.INFO, bytes([6, 10]) + bytes(place))
    assert grouped.settled == []


def test_a_receipt_before_the_key_settles_nothing(grouped: Grouped) -> None:
    grouped.send()
    grouped.receipt(0)
    assert grouped.settled == []


def test_an_info_with_a_receipt_is_still_an_info(grouped: Grouped) -> None:
    grouped.keyed()
    grouped.say(MessageType.INFO, b"\x01\x01N" + bytes([6, 10]) + bytes(Place(GID, 1, 0)))
    assert grouped.settled == [(0, True)]
    assert [event.type for event in grouped.bench.told(MessageReceived)] == [MessageType.INFO]


def test_without_a_receipt_it_goes_out_again_byte_for_byte(grouped: Grouped) -> None:
    grouped.keyed()
    grouped.bench.wait(limits.GROUP_RETRY - 0.1)
    assert len(grouped.sent) == 1
    grouped.bench.wait(0.1)
    assert grouped.sent == [grouped.sent[0]] * 2
    assert grouped.settled == []


def test_over_the_next_link_it_goes_out_again_in_order(grouped: Grouped) -> None:
    grouped.keyed()
    second = grouped.send(b"2")
    grouped.met()
    grouped.receipt(0)
    grouped.receipt(1)
    assert grouped.sent == [grouped.sent[0], grouped.sent[0], second]
    assert grouped.settled == [(0, True), (1, True)]


def test_no_frame_goes_to_a_device_that_may_have_lost_its_memory(grouped: Grouped) -> None:
    """It would be silence there and in doubt here; the greeting has to be answered first."""
    grouped.keyed()
    greeting = grouped.talking.reconnect()
    assert (greeting[0], len(grouped.sent)) == (FrameType.DATA, 1)
    grouped.bench.wait(limits.GREETING_DELAY)
    assert len(grouped.sent) == 1
    grouped.talking.deliver(grouped.talking.accept(greeting))
    assert len(grouped.sent) == 2


def test_a_replay_proves_no_memory(grouped: Grouped) -> None:
    grouped.keyed()
    data = grouped.talking.data(MessageType.TEXT, b"once")
    grouped.talking.deliver(data)
    grouped.talking.reconnect()
    grouped.talking.deliver(data)
    assert len(grouped.sent) == 1
    assert grouped.bench.hub.connection.statistics.duplicates == 1


def test_a_message_of_the_device_proves_its_memory(grouped: Grouped) -> None:
    grouped.keyed()
    grouped.talking.reconnect()
    grouped.say(MessageType.READINGS, b"")
    assert len(grouped.sent) == 2


def test_a_resume_proves_no_memory(grouped: Grouped) -> None:
    """A device that has lost it asks for its keys in its first message."""
    grouped.keyed()
    grouped.resume()
    before = len(grouped.sent)
    grouped.bench.wait(limits.GROUP_RETRY)
    assert len(grouped.sent) == before
    grouped.sync()
    assert grouped.settled == [(0, False)]


def test_dropped_links_are_no_silence(grouped: Grouped) -> None:
    grouped.keyed()
    for _ in range(2 * limits.GROUP_SILENCES_MAX):
        grouped.met()
    assert len(grouped.sent) == 1 + 2 * limits.GROUP_SILENCES_MAX
    assert grouped.settled == []


def test_after_too_many_silences_it_is_given_up_and_the_next_one_brings_its_key(grouped: Grouped) -> None:
    grouped.keyed()
    grouped.send(b"2")
    for _ in range(limits.GROUP_SILENCES_MAX // limits.GROUP_SILENCES_DOUBTFUL - 1):
        grouped.doubted()
    for _ in range(limits.GROUP_SILENCES_DOUBTFUL - 1):
        grouped.bench.wait(limits.GROUP_RETRY)
    assert grouped.settled == []
    assert len(grouped.sent) == limits.GROUP_SILENCES_MAX
    grouped.bench.wait(limits.GROUP_RETRY)
    assert grouped.settled == [(0, False)]
    assert [key.place for key in grouped.offers] == [Place(GID, 1, 1)]


def test_a_receipt_that_waited_for_a_new_epoch_settles_it(grouped: Grouped) -> None:
    """The device's chain was frozen: it had accepted the frame, and could not say so. Found by the soak."""
    grouped.keyed()
    grouped.doubted()
    grouped.receipt(0)
    assert grouped.settled == [(0, True)]


def test_64_wait_and_one_more_gives_the_oldest_up(grouped: Grouped) -> None:
    grouped.bench.call("link_closed")
    for _ in range(limits.GROUP_SKIP_MAX):
        grouped.send()
    assert grouped.settled == []
    grouped.send()
    assert grouped.settled == [(0, False)]
    grouped.bench.call("link_opened", PAYLOAD)
    assert [key.place.n for key in grouped.offers] == [1]


def test_a_key_that_reaches_the_next_one_is_not_sent_again(grouped: Grouped) -> None:
    """64 given up in a row are what a member skips by itself."""
    grouped.keyed()
    grouped.receipt(0)  # the member expects 1
    grouped.bench.call("link_closed")
    for _ in range(2 * limits.GROUP_SKIP_MAX):
        grouped.send()
    grouped.bench.call("link_opened", PAYLOAD)
    grouped.talking.acknowledge()
    assert [Place.decode(grouped.sent[-1][8:14] + grouped.sent[-1][4:8])] == [Place(GID, 1, 65)]
    assert grouped.offers == []


def test_a_key_that_does_not_reach_the_next_one_is_sent_anew(grouped: Grouped) -> None:
    grouped.keyed()
    grouped.receipt(0)
    grouped.bench.call("link_closed")
    for _ in range(2 * limits.GROUP_SKIP_MAX + 1):
        grouped.send()
    grouped.bench.call("link_opened", PAYLOAD)
    assert [key.place for key in grouped.offers] == [Place(GID, 1, 66)]


def test_a_link_is_wanted_as_long_as_a_message_waits(grouped: Grouped) -> None:
    connection = grouped.bench.hub.connection
    grouped.bench.call("link_closed")
    assert not connection.wants_link
    grouped.send()
    assert connection.wants_link
    grouped.bench.call("link_opened", PAYLOAD)
    grouped.talking.acknowledge()
    assert connection.wants_link
    grouped.receipt(0)
    assert not connection.wants_link


def test_without_a_chain_nothing_goes_out_before_the_resume(grouped: Grouped, renewing: Renewing) -> None:
    other = Grouped(renewing)
    other.send()
    assert (other.sent, other.offers) == ([], [])
    renewing.complete()
    assert len(other.offers) == 1


def test_a_frame_does_not_go_out_while_the_chain_is_frozen(grouped: Grouped) -> None:
    grouped.keyed()
    bench = grouped.bench
    bench.call("send", MessageType.TEXT, b"unanswered")
    for _ in range(6):
        bench.wait(limits.RTO_MAX)
    assert bench.frames[-1][0] == FrameType.R0
    before = len(grouped.sent)
    bench.wait(limits.GROUP_RETRY)
    assert len(grouped.sent) == before


def test_a_device_that_lost_its_key_gets_the_next_one_and_what_was_sent_is_in_doubt(grouped: Grouped) -> None:
    """It may have shown the message before it lost its memory: at most once."""
    grouped.keyed()
    grouped.send(b"2")
    grouped.resume()
    grouped.sync()
    assert grouped.settled == [(0, False)]
    assert [key.place for key in grouped.offers] == [Place(GID, 1, 1)]
    assert grouped.bench.told(GroupSynced) == [GroupSynced(GID, 1, refused=False)]


def test_a_key_that_the_device_refuses_settles_what_it_cannot_read(grouped: Grouped) -> None:
    """It knows another key of this version: an older backup of ours was restored. What comes later may be within its reach."""
    grouped.keyed()
    grouped.send(b"2")
    grouped.sync()
    assert grouped.settled == [(0, False)]
    assert grouped.bench.told(GroupSynced) == [GroupSynced(GID, 1, refused=True)]
    grouped.talking.acknowledge()
    grouped.sync()
    assert grouped.settled == [(0, False), (1, False)]
    assert grouped.offers == []


def test_a_lost_memory_puts_in_doubt_what_was_sent_to_other_groups(grouped: Grouped) -> None:
    """Their own questions come later: a key for that place would open a replay of what may have been shown. Found by the soak."""
    grouped.keyed()
    grouped.send(b"2")
    grouped.resume()
    grouped.say(MessageType.GROUP_SYNC, bytes.fromhex("020000000001"))  # another group
    assert grouped.settled == [(0, False)]
    assert [key.place.n for key in grouped.offers] == [1]


def test_a_refused_key_is_not_offered_for_ever(grouped: Grouped) -> None:
    """Each question came while the next key was under way: found by the soak."""
    grouped.send()
    for _ in range(2):
        offered = grouped.bench.frames[-1]
        grouped.sync()
        grouped.talking.deliver(grouped.talking.accept(offered))
    assert grouped.settled == [(0, False)]
    assert (grouped.sent, grouped.offers) == ([], [])


def test_a_key_of_an_earlier_epoch_counts_as_none_that_was_refused(grouped: Grouped) -> None:
    """Under an id that the device had accepted before it lost its memory it is acknowledged, and not taken."""
    grouped.send()
    grouped.talking.accept(grouped.bench.frames[-1])  # its acknowledgement is lost
    for _ in range(6):
        grouped.bench.wait(limits.RTO_MAX)
    grouped.talking.hello = grouped.bench.frames[-1]
    grouped.talking.complete()
    grouped.talking.acknowledge()
    grouped.sync()
    assert grouped.bench.told(GroupSynced) == [GroupSynced(GID, 1, refused=False)]


def test_a_key_that_was_under_way_at_a_sync_is_sent_anew(grouped: Grouped) -> None:
    """Its acknowledgement may be of a life that has ended: no frame follows it."""
    grouped.send()
    offered = grouped.bench.frames[-1]
    grouped.sync()
    grouped.talking.deliver(grouped.talking.accept(offered))
    assert (grouped.sent, [key.place.n for key in grouped.offers]) == ([], [0])
    grouped.talking.acknowledge()
    assert len(grouped.sent) == 1


def test_what_was_never_sent_is_not_in_doubt(grouped: Grouped) -> None:
    grouped.send()
    grouped.sync()
    assert grouped.settled == []


def test_the_answer_to_a_sync_is_the_present_key(grouped: Grouped) -> None:
    grouped.group.seal(MessageType.TEXT, b"for others")
    assert grouped.group.present is not None
    grouped.bench.call("send_group_key", grouped.group.present)
    grouped.bench.call("send_group_key", grouped.group.present)
    assert [key.place for key in grouped.offers] == [Place(GID, 1, 1)]


@pytest.mark.parametrize("body", [b"", bytes(5), bytes(7)])
def test_a_malformed_sync_is_ignored(grouped: Grouped, body: bytes) -> None:
    grouped.say(MessageType.GROUP_SYNC, body)
    assert grouped.bench.told(GroupSynced) == []


def test_who_leaves_gets_nothing_that_waits(grouped: Grouped) -> None:
    grouped.bench.call("send", MessageType.TEXT, b"first in the queue")
    grouped.send()
    assert len(grouped.offers) == 1
    grouped.bench.call("leave_group", GID)
    assert grouped.offers == []
    assert grouped.settled == [(0, False)]
    assert grouped.bench.hub.connection.group_version(GID) is None


def test_a_key_under_way_keeps_its_slot_when_the_device_leaves(grouped: Grouped) -> None:
    """The slot keeps its message until it is acknowledged (protocol.md 6 rule 3); nothing is sealed under that version any more."""
    grouped.send()
    grouped.bench.call("leave_group", GID)
    assert len(grouped.offers) == 1
    grouped.talking.acknowledge()
    assert grouped.bench.told(GroupKeyed) == []
    assert grouped.bench.hub.connection.queued == 0


def test_a_new_pairing_ends_the_groups_of_the_old_one(grouped: Grouped) -> None:
    grouped.keyed()
    grouped.send(b"2")
    pair_again(grouped.bench)
    assert grouped.settled == [(0, False), (1, False)]
    assert grouped.bench.hub.connection.group_version(GID) is None


def test_a_frame_waits_for_the_write_before_it(grouped: Grouped) -> None:
    """A slow write is not the device's silence."""
    grouped.keyed()
    connection: Any = grouped.bench.hub.connection
    connection._messaging.delay(3.0)
    grouped.bench.wait(limits.GROUP_RETRY)
    assert len(grouped.sent) == 1
    grouped.bench.wait(3.0)
    assert len(grouped.sent) == 2


@pytest.mark.parametrize("kind", [MessageType.GROUP_KEY, MessageType.RELAY, MessageType.ROUTE])
def test_keys_and_ways_are_never_stored(talking: Renewing, kind: MessageType) -> None:
    talking.bench.call("send", kind, b"secret of this life")
    talking.bench.call("send", MessageType.TEXT, b"stored")
    stored = repr(talking.bench.store.snapshot)
    assert b"stored".hex() in stored
    assert b"secret of this life".hex() not in stored

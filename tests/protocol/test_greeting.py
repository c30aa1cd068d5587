"""Over a path a device waits to be greeted, also when what the hub has for it is too long for a relay (protocol.md 9 and 10)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.events import EpochStarted, MessageDelivered, MessageReceived, MessageType
from custom_components.self_secure.protocol.packets import FrameType
from self_secure_device import frames

from .bench import PAYLOAD
from .couple import Couple
from .renewal import Renewing

LONG = bytes(limits.INNER_BODY_MAX + 1)
WAITING = 2  # the beacon's state: the device has something to say


def called(talking: Renewing) -> int:
    """Follow a call of the device over a path, on which it says nothing; return how many frames were sent before."""
    bench = talking.bench
    bench.call("beacon_seen", WAITING)
    assert not bench.hub.connection.waits_for_direct_link
    sent = len(bench.frames)
    bench.hub.connection.link_opened(PAYLOAD, bench.now, relayed=True)
    bench.wait(limits.GREETING_DELAY - 0.01)
    assert len(bench.frames) == sent
    bench.wait(0.01)
    return sent


def take(talking: Renewing) -> tuple[int, int, bytes]:
    """Let the device acknowledge the hub's last frame; return type, id and body of the message."""
    accepted = talking.session.receiver.open(frames.decode(talking.bench.frames[-1]), bytes(16))
    talking.acknowledge()
    return accepted.kind, accepted.number, accepted.body


def talk(talking: Renewing, text: bytes) -> None:
    """Let the device say what it has called for."""
    talking.settle(talking.bench.exchange(talking.data(MessageType.TEXT, text)))
    assert talking.bench.told(MessageReceived)[-1].body == text


@pytest.mark.parametrize("size", [limits.INNER_BODY_MAX + 1, limits.BODY_MAX])
def test_a_message_too_long_for_the_relay_is_greeted_past(talking: Renewing, size: int) -> None:
    bench = talking.bench
    bench.call("link_closed")
    bench.call("send", MessageType.BYTES, bytes(size))
    bench.call("send", MessageType.TEXT, b"behind it")
    sent = called(talking)
    assert len(bench.frames) == sent + 1
    kind, first, body = take(talking)
    assert (kind, body) == (MessageType.INFO, b"")
    talk(talking, b"called for")
    assert (len(bench.frames), bench.hub.connection.queued) == (sent + 2, 2)  # and the DACK of that
    talking.reconnect()
    assert take(talking) == (MessageType.BYTES, first + 1, bytes(size))
    assert take(talking) == (MessageType.TEXT, first + 2, b"behind it")
    assert [one.handle for one in bench.told(MessageDelivered)] == [1, 2]
    assert bench.told(EpochStarted)[1:] == []


def test_a_message_too_long_for_the_relay_that_has_its_id_is_passed_by_a_resume(talking: Renewing) -> None:
    """A greeting before it would have the higher id, after which the device would not believe in the lower one."""
    bench = talking.bench
    bench.call("send", MessageType.BYTES, LONG)  # and the link breaks
    bench.call("link_closed")
    sent = called(talking)
    assert [raw[0] for raw in bench.frames[sent:]] == [FrameType.R0]
    talking.hello = bench.frames[-1]
    talking.complete()
    talk(talking, b"called for")
    assert bench.hub.connection.queued == 1
    bench.call("link_closed")
    assert bench.hub.connection.waits_for_direct_link
    bench.connect()
    assert take(talking) == (MessageType.BYTES, 2, LONG)
    assert [one.handle for one in bench.told(MessageDelivered)] == [1]
    assert bench.hub.connection.queued == 0


def test_new_keys_do_not_wait_for_the_acknowledgement_of_a_message_too_long_for_the_relay(talking: Renewing) -> None:
    """Or the hub would ask for a path for their sake again and again, and do nothing over it."""
    bench = talking.bench
    bench.call("send", MessageType.BYTES, LONG)
    bench.call("rotate")
    bench.call("link_closed")
    bench.hub.connection.link_opened(PAYLOAD, bench.now, relayed=True)
    bench.call("timer")
    assert bench.frames[-1][0] == FrameType.R0
    talking.hello = bench.frames[-1]
    talking.complete()
    assert bench.hub.connection.waits_for_direct_link
    assert [one.resumed for one in bench.told(EpochStarted)] == [False, True]


class Far(Couple):
    """A whole device; it can be reached over a path, where it says nothing before it is spoken to."""

    def follow_a_call(self) -> None:
        """Make a contact over a path that is long enough for a greeting."""
        self.call("beacon_seen", WAITING)
        self.node.core.connected(PAYLOAD + 3)
        self.node.core.subscribed(round(self.world.now * 1000))
        self.world.linked = True
        self.hub.connection.link_opened(PAYLOAD, self.world.now, relayed=True)
        self.call("timer")
        self.world.run(lambda: False, 2 * limits.GREETING_DELAY)
        self.world.disconnect()


def test_a_message_too_long_for_the_relay_whose_acknowledgement_was_lost_is_acted_on_once() -> None:
    far = Far()
    far.pair()
    lost: list[int] = []

    def lose_acknowledgements(kind: int, fragment: bytes) -> bytes | None:
        lost.extend([kind] * (kind == FrameType.DACK))
        return None if kind == FrameType.DACK else fragment

    far.world.tamper = lose_acknowledgements
    far.call("send", MessageType.BYTES, LONG)
    assert far.world.run(lambda: lost != [], 10)
    far.world.disconnect()
    far.world.tamper = lambda _kind, fragment: fragment
    far.follow_a_call()
    assert [one.resumed for one in far.told(EpochStarted)] == [False, True]
    assert (far.hub.connection.queued, len(far.told(MessageDelivered))) == (1, 0)
    far.settle()
    assert len(far.told(MessageDelivered)) == 1
    assert far.node.told("bytes") == [LONG]

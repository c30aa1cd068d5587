"""Through a relay: a pairing in `hybrid` and with the code compared, or not at all; what fits; a relay's own paths (protocol.md 10)."""

import pytest

from custom_components.self_secure.protocol import limits, snapshot
from custom_components.self_secure.protocol.errors import Cause, LocalError, MessageTooLargeError, NotPairedError, QueueFullError
from custom_components.self_secure.protocol.events import (
    MessageAbandoned,
    MessageDelayed,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    Verdict,
)

from .bench import ENOUGH, LOSS, PAYLOAD, Bench
from .renewal import Renewing


def opened(suites: tuple[int, ...] = (0x11,), floor: int | None = None) -> Bench:
    """The window is open, the path is there."""
    bench = Bench(suites=suites)
    bench.hub.connection.open_pairing(bench.now, floor, relayed=True)
    bench.call("link_opened", PAYLOAD)
    return bench


def compared() -> Bench:
    """Both sides hold the key, and the user is asked."""
    bench = opened()
    bench.request()
    response = bench.respond(range(ENOUGH))
    end = bench.exchange(bench.device.take(response))
    bench.receive(bench.device.take(end))
    return bench


def test_the_record_says_for_ever_that_it_was_relayed() -> None:
    bench = compared()
    bench.call("answer", Verdict.SAME)
    [done] = bench.told(PairingCompleted)
    assert done.record.relayed
    assert bench.store.snapshot is not None
    assert snapshot.decode(bench.store.snapshot).pairings[0].record.relayed


def test_a_direct_pairing_is_not_called_relayed() -> None:
    bench = Bench()
    bench.pair()
    assert not bench.told(PairingCompleted)[0].record.relayed


def test_who_does_not_compare_gets_no_key() -> None:
    bench = compared()
    with pytest.raises(LocalError, match="only if the code was compared"):
        bench.call("answer", Verdict.NOT_SHOWN)
    assert bench.told(PairingCompleted) == []
    bench.call("answer", Verdict.DIFFERENT)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.DIFFERENT_CODE, suspicious=True)]


def test_a_weaker_suite_is_refused_whatever_the_user_accepts() -> None:
    bench = opened((LOSS,), floor=LOSS)
    bench.receive(bench.device.request.frame)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.SUITE_BELOW_FLOOR, suspicious=False)]


# --- what may go through a relay, and what has to wait for another link

LONG = bytes(limits.INNER_BODY_MAX + 1)


def relayed(talking: Renewing) -> int:
    """Begin a link over a path; return how many frames have been sent before."""
    talking.bench.call("link_closed")
    sent = len(talking.bench.frames)
    talking.bench.hub.connection.link_opened(PAYLOAD, talking.bench.now, relayed=True)
    talking.bench.call("timer")
    return sent


def test_only_a_pairing_that_was_opened_for_it_goes_through_a_relay() -> None:
    assert Bench().hub.connection.may_be_relayed
    assert opened().hub.connection.may_be_relayed
    direct = Bench()
    direct.call("open_pairing")
    assert not direct.hub.connection.may_be_relayed


def test_the_longest_message_of_a_relay_is_sent_over_it(talking: Renewing) -> None:
    sent = relayed(talking)
    talking.bench.call("send", MessageType.BYTES, LONG[1:])
    assert len(talking.bench.frames) == sent + 1
    assert len(talking.bench.frames[sent]) <= limits.INNER_FRAME_MAX


def test_a_longer_message_waits_for_a_link_without_a_relay(talking: Renewing) -> None:
    connection = talking.bench.hub.connection
    sent = relayed(talking)
    assert not connection.waits_for_direct_link
    talking.bench.call("send", MessageType.BYTES, LONG)
    assert connection.waits_for_direct_link
    talking.bench.call("send", MessageType.TEXT, b"behind it")
    assert talking.bench.frames[sent:] == []
    talking.reconnect()
    assert len(talking.bench.frames) == sent + 1
    talking.acknowledge()
    assert not connection.waits_for_direct_link


def test_a_longer_message_that_was_sent_before_is_not_repeated_over_a_relay(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.BYTES, LONG)
    sent = relayed(talking)
    for _ in range(2 * limits.DEFAULT_OMEGA):
        bench.now += limits.RTO_MAX
        bench.call("timer")
    assert bench.frames[sent:] == []
    assert bench.told(MessageDelayed) == []
    talking.settle(bench.exchange(talking.data(MessageType.TEXT, b"meanwhile")))
    assert bench.told(MessageReceived)[-1].body == b"meanwhile"
    talking.reconnect()
    talking.acknowledge()
    assert len(bench.told(MessageDelivered)) == 1


def test_what_the_device_asks_for_is_worth_a_relay_all_the_same(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.BYTES, LONG)
    bench.call("link_closed")
    assert bench.hub.connection.waits_for_direct_link
    bench.call("beacon_seen", 2)
    assert not bench.hub.connection.waits_for_direct_link


# --- parts of a path, at the relay itself


def test_nothing_tells_what_becomes_of_a_part_of_a_path(talking: Renewing) -> None:
    bench = talking.bench
    writes = bench.store.writes
    for number in range(3):
        assert bench.hub.connection.carry(MessageType.RELAY, bytes([number]), bench.now) == 0
    bench.call("timer")
    talking.acknowledge()
    bench.call("link_closed")
    assert (bench.told(MessageDelivered), bench.told(MessageAbandoned), bench.store.writes) == ([], [], writes)
    assert bench.hub.connection.queued == 1  # what is outstanding
    assert bench.hub.connection.send(MessageType.TEXT, b"", bench.now) == 1


def test_a_relay_that_cannot_be_reached_forgets_what_was_for_its_paths(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("link_closed")
    bench.hub.connection.carry(MessageType.ROUTE, bytes(18), bench.now)
    bench.hub.connection.send(MessageType.TEXT, b"kept", bench.now)
    bench.hub.connection.withdraw_paths()
    assert bench.hub.connection.queued == 1
    Bench().hub.connection.withdraw_paths()


def test_parts_of_a_path_have_the_bounds_of_all_messages(talking: Renewing) -> None:
    connection = talking.bench.hub.connection
    with pytest.raises(MessageTooLargeError):
        connection.carry(MessageType.RELAY, bytes(limits.BODY_MAX + 1), 0)
    for _ in range(limits.QUEUE_MAX):
        connection.carry(MessageType.RELAY, b"", 0)
    with pytest.raises(QueueFullError):
        connection.carry(MessageType.RELAY, b"", 0)
    with pytest.raises(NotPairedError):
        Bench().hub.connection.carry(MessageType.RELAY, b"", 0)

"""The far end of a relay: pairing, talking and resuming over a path, and what does not pass (protocol.md 10)."""

import pytest

from self_secure_device import adverts, frames, limits, path
from self_secure_device.crypto import u16
from self_secure_device.errors import DeviceError
from self_secure_device.peer import Message
from self_secure_device.session import BYTES, RELAY, ROUTE, TEXT
from tests.device.bench import IDENTITY, VERIFIED, Bench
from tests.device.carrier import NOWHERE, TTL, Carrier, FarHub, far, inner_frames
from tests.device.household import Member


def kinds(said: list[bytes]) -> list[int]:
    return [frames.decode(raw).kind for raw in said]


# --- pairing, talking and resuming over a path


def test_pairs_through_a_relay_with_code() -> None:
    bench, _, hub = far()
    assert bench.events("code") == [hub.responder.code]
    assert [peer.identity for peer in bench.device.hubs] == [hub.identity]
    assert bench.events("verified") == [True]


def test_messages_go_both_ways() -> None:
    bench, carrier, hub = far()
    assert hub.say(TEXT, b"hello") == []
    assert bench.events("text") == ["hello"]
    bench.device.send(TEXT, b"and back", bench.now)
    [data] = inner_frames(1, carrier.hear_all(bench.pass_time(0)))
    assert hub.take(data) == (TEXT, b"and back", [])


def test_a_repeated_message_gets_the_stored_dack_and_is_told_once() -> None:
    bench, _, hub = far()
    hub.session.sender.load(bytes([TEXT]) + bytes(7) + b"\x09" + b"once")
    data = hub.session.sender.attempt(b"R" * 16, 0)
    assert hub.give(data) == hub.give(data)
    assert bench.events("text") == ["once"]


def test_resumes_over_a_path() -> None:
    bench, carrier, hub = far()
    bench.restart()
    bench.connect()
    carrier.renew()
    assert bench.device.state == adverts.FORGETFUL
    assert hub.open() == []
    assert hub.resume() == []
    assert bench.events("resumed") == [1]
    assert hub.say(TEXT, b"again") == []


def test_a_message_goes_on_where_the_direct_connection_ended() -> None:
    bench, carrier, hub = far()
    bench.disconnect()
    bench.device.send(TEXT, b"either way", bench.now)
    bench.connect()
    hub.session.sender.load(b"\x06" + bytes(7) + b"\x09")
    first, data = bench.give(hub.session.sender.attempt(b"R" * 16, 0))  # straight from the hub, which greets
    hub.session.sender.acknowledge(frames.decode(first))
    bench.disconnect()
    carrier.meet()
    assert hub.open() == []
    hub.session.sender.load(b"\x06" + bytes(7) + b"\x0a")
    _, again = hub.give(hub.session.sender.attempt(b"R" * 16, 0))
    assert frames.decode(again).retran == frames.decode(data).retran + 1
    assert hub.take(again)[:2] == (TEXT, b"either way")
    assert len(bench.events("delivered")) == 2  # INFO and this


def test_nothing_is_written_for_what_a_relay_carries() -> None:
    bench, carrier, hub = far()
    writes = len(bench.port.saved)
    assert hub.give(b"\x10" + bytes(40)) == []
    assert carrier.route(2, IDENTITY)[0][0] == ROUTE
    assert len(bench.port.saved) == writes


def test_no_event_tells_of_what_a_relay_carries() -> None:
    bench, carrier, hub = far()
    before = len(bench.port.events)
    bench.device.send(TEXT, b"x", bench.now)
    for _ in range(8):
        bench.pass_time(limits.RTO_MAX)
    assert bench.device.peers[carrier.identity].session.frozen
    assert bench.port.events[before:] == [("undelivered", 2)]  # the text, end to end
    assert bench.device.peers[hub.identity].session.frozen


def test_two_hubs_over_two_paths() -> None:
    bench, carrier, hub = far()
    assert carrier.route(1, NOWHERE) == []
    bench.device.pair(bench.now)
    other = FarHub(carrier, 2, b"d")
    other.pair()
    [info] = other.say(VERIFIED, b"\x01")
    other.take(info)
    assert hub.open() == []
    assert (hub.say(TEXT, b"from c"), other.say(TEXT, b"from d")) == ([], [])
    assert bench.events("text") == ["from c", "from d"]


# --- bounds


def test_four_frames_wait_for_the_hop_and_no_fifth() -> None:
    bench, carrier, hub = far()
    line = bench.device.paths._open[carrier.identity + u16(1)]
    for number in range(path.MAX_WAITING + 1):
        line.send(bytes([0x10, number]))
    assert bench.device.counters == {"full path": 1}
    assert inner_frames(1, carrier.hear_all(bench.pass_time(0))) == [bytes([0x10, number]) for number in range(path.MAX_WAITING)]
    assert hub.session is not None


def test_the_longest_message_and_one_byte_more() -> None:
    bench, carrier, hub = far()
    with pytest.raises(DeviceError, match="at most 911 bytes"):
        bench.device.send(BYTES, bytes(limits.MAX_INNER_BODY + 1), bench.now)
    bench.device.send(BYTES, bytes(limits.MAX_INNER_BODY), bench.now)
    [data] = inner_frames(1, carrier.hear_all(bench.pass_time(0)))
    assert len(data) == path.MAX_INNER
    assert hub.take(data)[1] == bytes(limits.MAX_INNER_BODY)


def test_a_longer_message_from_before_waits_for_a_direct_connection() -> None:
    bench, carrier, hub = far()
    bench.device.peers[hub.identity].queue.append(Message(BYTES, bytes(limits.MAX_BODY)))
    assert hub.say(TEXT, b"on the path") == []
    assert carrier.hear_all(bench.pass_time(60_000)) == []
    bench.disconnect()
    bench.connect()
    hub.session.sender.load(b"\x06" + bytes(7) + b"\x09")
    _, data = bench.give(hub.session.sender.attempt(b"R" * 16, 0))
    assert bench.take(hub.session, data)[2] == bytes(limits.MAX_BODY)


def test_the_longest_inner_frame_and_one_byte_more() -> None:
    bench, _, hub = far()
    assert hub.give(b"\x10" + bytes(path.MAX_INNER - 1)) == []
    assert hub.give(b"\x10" + bytes(path.MAX_INNER)) == []
    assert bench.device.counters == {"malformed": 1, "not for a relay": 1}


@pytest.mark.parametrize("inner", [b"", b"\x90" + bytes(40), b"\x81" + bytes(40)])
def test_nothing_and_suite_paper_do_not_pass(inner: bytes) -> None:
    bench, _, hub = far()
    assert hub.give(inner) == []
    assert bench.device.counters == {"not for a relay": 1}


def test_a_garbled_inner_frame_is_counted() -> None:
    bench, _, hub = far()
    assert hub.give(b"\x10" + bytes(7)) == []
    assert hub.give(b"\x7f" * 40) == []
    assert bench.device.counters == {"malformed": 2}


def test_every_flipped_bit_of_a_carried_message_is_silence() -> None:
    bench, carrier, hub = far()
    hub.session.sender.load(bytes([TEXT]) + bytes(7) + b"\x09" + b"x")
    data = hub.session.sender.attempt(b"R" * 16, 0)
    chains = [bench.device.peers[hub.identity].session.receiver.chain]
    for bit in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert hub.give(bytes(spoilt)) == []
    assert sum(bench.device.counters.values()) == 8 * len(data)
    assert [bench.device.peers[hub.identity].session.receiver.chain] == chains
    assert bench.events("text") == []
    carrier.renew()  # the hop has had its 64 messages
    assert kinds(hub.give(data)) == [frames.DACK]


def test_a_relay_s_own_frames_do_not_come_over_its_paths() -> None:
    bench, carrier, _ = far()
    carrier.session.sender.load(bytes([TEXT]) + bytes(8) + b"loop")
    own = carrier.session.sender.attempt(b"R" * 16, 0)
    bench.device.receive(own, bench.device.paths._open[carrier.identity + u16(1)], bench.now)
    assert (bench.device.counters, bench.sent()) == ({"wrong MAC": 1}, [])
    assert kinds(bench.give(own)) == [frames.DACK]


def test_no_path_runs_over_a_path() -> None:
    bench, _, hub = far()
    assert hub.say(ROUTE, u16(3) + IDENTITY) == []
    assert hub.say(RELAY, u16(3) + TTL + b"\x10" * 40) == []
    assert bench.device.counters == {"not for a relay": 2}


# --- only `hybrid` pairs through a relay


def weak(*suites: int) -> tuple[Bench, Carrier]:
    bench = Bench(suites)
    carrier = Carrier(bench, "b", suites[0])
    carrier.adopt()
    return bench, carrier


def test_a_request_without_hybrid_is_not_sent_on_a_path() -> None:
    bench, carrier = weak(0x01)
    hub = FarHub(carrier)
    assert hub.open() + hub.wait(1_000) == []
    assert bench.device.counters == {"not for a relay": 1}


def test_loss_is_not_chosen_on_a_path() -> None:
    bench, carrier = weak(0x11, 0x01)
    hub = FarHub(carrier, suite_id=0x01)
    [request] = hub.open() + hub.wait(limits.JOIN_DELAY)
    assert hub.give(hub.responder.accept(request)) == []
    assert (bench.device.counters, bench.device.broadcasting) == ({"not for a relay": 1}, False)


@pytest.mark.parametrize(("suite", "kind", "counted"), [(0x01, frames.NAK, {"not for a relay": 1}), (0x11, frames.NAK, {})])
def test_a_negotiation_in_loss_takes_nothing_from_a_path(suite: int, kind: int, counted: dict[str, int]) -> None:
    bench, carrier = weak(0x11, 0x01)
    bench.disconnect()
    direct = Member(bench, "d", suite)
    direct.ask(limits.JOIN_DELAY)
    carrier.meet()
    hub = FarHub(carrier)
    hub.open()
    hub.give(frames.encode_head(kind, b"\x06"))
    assert bench.device.counters == counted

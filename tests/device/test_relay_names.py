"""A relay's key is made without a code: it never stands in for a hub's key, nor a hub's for a relay's (protocol.md 10)."""

from self_secure_device import frames, limits, tables
from self_secure_device.crypto import u16
from self_secure_device.session import READINGS, ROUTE, TEXT
from tests.device.bench import Bench
from tests.device.carrier import CARRIES, Carrier, carried
from tests.device.household import Member, household


def refuses(bench: Bench, request: bytes, member: Member, role: bytes) -> None:
    """The ACC changes nothing: no packet, no key, no event, and the REQ waits for another answer."""
    stored, told = bench.port.saved[-1], list(bench.port.events)
    queues = {identity: list(peer.queue) for identity, peer in bench.device.peers.items()}
    assert bench.give(member.responder.accept(request, role=role)) == []
    assert bench.device.counters == {"out of state": 1}
    assert [(machine.state, machine.identity) for machine in bench.device._pairing.negotiations] == [(tables.REQUESTED, None)]
    assert (bench.port.saved[-1], bench.port.events) == (stored, told)
    assert {identity: peer.queue for identity, peer in bench.device.peers.items()} == queues


def goes_on(bench: Bench, member: Member) -> None:
    """The chains of this hub work both ways, from a new connection on."""
    bench.disconnect()
    said = [*bench.connect(), member.say(TEXT, b"still here")]
    assert bench.events("text") == ["still here"]
    [data] = [raw for raw in said if raw[:1] == bytes([frames.DATA])]
    assert member.take(data) == (READINGS, 2, b"\x01\x50")
    assert bench.events("delivered")[-1] == 2


def test_who_calls_itself_a_relay_cannot_answer_under_the_name_of_our_hub() -> None:
    bench, [hub] = household("a")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.device.pair(bench.now)
    request, _ = bench.connect()  # and the readings, for there is one hub
    refuses(bench, request, Carrier(bench, "a"), CARRIES)
    assert [peer.identity for peer in bench.device.hubs] == [hub.identity]
    goes_on(bench, hub)


def test_a_hub_that_names_another_hub_as_a_relay_gets_no_key_under_that_name() -> None:
    bench, [hostile, hub] = household("a", "b")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.connect()
    hostile.take(hostile.say(ROUTE, u16(0) + hub.identity))
    bench.disconnect()
    [request] = bench.connect() + bench.pass_time(limits.JOIN_DELAY)
    refuses(bench, request, Carrier(bench, "b"), CARRIES)
    assert {peer.identity for peer in bench.device.hubs} == {hostile.identity, hub.identity}
    goes_on(bench, hub)


def test_a_hub_cannot_answer_under_the_name_of_our_relay() -> None:
    bench, carrier = carried()
    bench.disconnect()
    [request] = bench.connect() + bench.pass_time(limits.JOIN_DELAY)
    refuses(bench, request, Member(bench, "b"), b"")
    assert bench.device.peers[carrier.identity].relay


def test_a_relay_that_begins_anew_gets_another_key() -> None:
    """Whoever has forgotten us may come back as what it was."""
    bench, _ = carried()
    bench.disconnect()
    Carrier(bench, "b").adopt(limits.JOIN_DELAY)
    assert [key.relay for key in bench.device.keyring.entries] == [True]

"""One link for all: who negotiates gets it back from who has nothing to say, and no other hub's message goes over it (protocol.md 9)."""

from self_secure_device import frames, limits
from self_secure_device.session import INFO, TEXT
from tests.device.bench import VERIFIED, Bench
from tests.device.household import Member, broadcast, household
from tests.device.responder import HubSession

PACKETS = limits.MAX_PACKETS // 2 + 1  # nobody is asked to join after them
FORGOTTEN = 10_000  # ms after which a hub that has connected and is silent counts as one that has forgotten its negotiation


def kinds(said: list[bytes]) -> list[int]:
    return [frames.decode(raw).kind for raw in said]


def meanwhile(n_max: int = limits.MAX_PACKETS, count: int = PACKETS) -> tuple[Bench, Member, Member]:
    """Return a device with two hubs of which the first one pairs anew: so much has been broadcast, no link is open."""
    bench, [_, other] = household("a", "b")
    bench.device.pair(bench.now)
    again = Member(bench, "a")
    again.ask(n_max=n_max)
    broadcast(bench, again, count=count)
    return bench, again, other


def acknowledged(bench: Bench, again: Member) -> bytes:
    """Let a hub's negotiation come to ACK, and the link drop before END; return ACK."""
    bench.connect()
    [ack] = bench.give(again.responder.respond(sorted(again.responder.random)))
    bench.disconnect()
    return ack


def finish(bench: Bench, again: Member, ack: bytes) -> None:
    """Let it go on from there over the open link."""
    [opened] = bench.give(again.responder.confirm(ack))
    again.responder.finish(opened)
    again.session = HubSession(again.responder.suite, 0, again.responder.root)
    assert again.take(again.say(VERIFIED, b"\x01"))[0] == INFO
    assert bench.events("pairing_failed") == []


def idle(bench: Bench, other: Member) -> None:
    """The other hub connects, shows who it is, and has nothing more to say."""
    assert bench.connect() == []
    assert other.say(INFO, b"") == b""


def gives_way(bench: Bench) -> None:
    """The present hub is hung up on as somebody is who has not shown who it is."""
    assert bench.pass_time(limits.STRANGER_DELAY - 1) == []
    assert not bench.device.yields
    assert bench.pass_time(1) == []
    assert bench.device.yields
    bench.disconnect()


def test_a_hub_makes_room_for_a_negotiation_that_waits_for_its_end() -> None:
    bench, again, other = meanwhile()
    ack = acknowledged(bench, again)
    idle(bench, other)
    gives_way(bench)
    assert bench.connect() == []
    finish(bench, again, ack)


def test_a_hub_that_was_asked_to_join_makes_room_too() -> None:
    bench, again, other = meanwhile(count=60)
    ack = acknowledged(bench, again)
    idle(bench, other)
    [request] = bench.pass_time(limits.JOIN_DELAY)
    gives_way(bench)
    assert bench.connect() == [request]
    finish(bench, again, ack)


def test_a_hub_makes_room_for_a_negotiation_whose_packets_are_all_sent() -> None:
    bench, again, other = meanwhile(n_max=PACKETS)
    assert not bench.device.broadcasting
    idle(bench, other)
    gives_way(bench)
    bench.pass_time(FORGOTTEN)
    assert bench.events("pairing_failed") == []
    again.agree()
    again.verify()
    assert bench.events("code")[-1] == again.responder.code


def test_the_hub_that_negotiates_keeps_the_link_while_it_thinks() -> None:
    bench, again, _ = meanwhile()
    bench.connect()
    [ack] = bench.give(again.responder.respond(sorted(again.responder.random)))
    bench.pass_time(2 * limits.STRANGER_DELAY)
    assert not bench.device.yields
    assert kinds(bench.give(again.responder.confirm(ack))) == [frames.OPEN]


def test_nobody_makes_room_for_a_request_that_was_not_answered() -> None:
    bench, [one, _] = household("a", "b")
    bench.device.pair(bench.now)
    assert kinds(bench.connect()) == [frames.REQ]
    bench.disconnect()
    assert kinds(bench.connect()) == [frames.REQ]
    assert one.say(INFO, b"") == b""
    bench.pass_time(2 * limits.STRANGER_DELAY)
    assert not bench.device.yields


# --- a message for the only hub, while another one pairs


def test_no_message_goes_to_who_negotiates_instead_of_its_hub() -> None:
    """With one hub, whoever connects is taken for it until an answer to REQ shows another one."""
    bench, [one] = household("a")
    bench.device.send(TEXT, b"for a alone", bench.now)
    bench.device.pair(bench.now)
    two = Member(bench, "b")
    request, data = bench.connect()
    assert kinds([request, data]) == [frames.REQ, frames.DATA]
    assert bench.give(two.responder.accept(request, minimum=20)) == []
    assert bench.pass_time(60_000) == []
    bench.disconnect()
    broadcast(bench, two)
    assert kinds(bench.connect()) == [frames.DATA]  # until it says who it is
    [ack] = bench.give(two.responder.respond(sorted(two.responder.random)))
    assert bench.pass_time(20_000) == []
    assert kinds(bench.give(two.responder.confirm(ack))) == [frames.OPEN]
    assert bench.pass_time(60_000) == []
    bench.disconnect()
    assert bench.events("undelivered") == []
    assert not bench.device.peers[one.identity].session.frozen
    bench.connect()
    assert one.take(one.say(INFO, b"")) == (TEXT, 2, b"for a alone")
    assert bench.events("delivered")[-1] == 2


def test_the_only_hub_gets_its_message_beside_a_negotiation_of_its_own() -> None:
    """Who answers as the hub that the message is for may have it over the same link."""
    bench, [one] = household("a")
    bench.device.send(TEXT, b"for a", bench.now)
    bench.device.pair(bench.now)
    again = Member(bench, "a")
    request, _ = bench.connect()
    assert bench.give(again.responder.accept(request)) == []
    [data] = bench.pass_time(limits.RTO_MIN)
    assert one.take(data) == (TEXT, 2, b"for a")
    assert bench.events("delivered")[-1] == 2

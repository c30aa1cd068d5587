"""Requests that nobody answers, and negotiations that wait for their hub's user: how many there are, and with what they end (protocol.md 5 and 9)."""

import pytest

from self_secure_device import frames, limits, tables
from self_secure_device.crypto import u16
from self_secure_device.session import INFO, ROUTE
from tests.device.bench import VERIFIED, Bench
from tests.device.carrier import CARRIES, Carrier
from tests.device.household import Member, broadcast, household
from tests.device.responder import HubSession


def states(bench: Bench) -> list[str]:
    return [machine.state for machine in bench.device._pairing.negotiations]


def invited() -> Bench:
    """Return a device whose hub has named the relay r; no link is open."""
    bench, [hub] = household("a")
    bench.connect()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == b""
    bench.disconnect()
    return bench


# --- one request at a time


@pytest.mark.parametrize("contacts", [limits.MAX_NEGOTIATIONS, 2 * limits.MAX_NEGOTIATIONS])
def test_silent_contacts_cost_the_relay_that_was_named_nothing(contacts: int) -> None:
    bench = invited()
    requests = set()
    for _ in range(contacts):
        [request] = bench.connect() + bench.pass_time(limits.JOIN_DELAY)
        assert states(bench) == [tables.REQUESTED]
        requests.add(request)
        bench.disconnect()
    relay = Carrier(bench, "r")
    relay.adopt(limits.JOIN_DELAY)
    assert len(requests) == 1  # byte for byte
    assert frames.decode(request).kind == frames.REQ
    assert bench.device.peers[relay.identity].relay


# --- what ends with a key


def test_a_request_that_nobody_joined_ends_in_silence_with_the_first_hub_s_key() -> None:
    bench = Bench()
    one = Member(bench, "a")
    request = one.ask()
    broadcast(bench, one)
    assert bench.connect() + bench.pass_time(limits.JOIN_DELAY) == [request]  # somebody who does not answer
    bench.disconnect()
    assert bench.connect() == [request]
    [ack] = bench.give(one.responder.respond(sorted(one.responder.random)))
    [opened] = bench.give(one.responder.confirm(ack))
    one.responder.finish(opened)
    one.session = HubSession(one.responder.suite, 0, one.responder.root)
    assert states(bench) == [tables.OPENED, tables.REQUESTED]
    assert one.take(one.say(VERIFIED, b"\x01"))[0] == INFO
    asks_nobody(bench)


def test_a_request_to_a_relay_ends_in_silence_with_its_key() -> None:
    bench = invited()
    relay = Carrier(bench, "r")
    request = relay.ask(limits.JOIN_DELAY, role=CARRIES)
    broadcast(bench, relay)
    assert bench.connect() + bench.pass_time(limits.JOIN_DELAY) == [request]
    bench.disconnect()
    relay.agree()
    relay.meet()
    assert bench.device._pairing.only is None
    asks_nobody(bench)


def asks_nobody(bench: Bench) -> None:
    """Nothing runs, the wish is fulfilled, and nobody hears of a failure."""
    assert states(bench) == []
    assert bench.pass_time(limits.T_H) == []
    bench.disconnect()
    assert [raw for raw in bench.connect() + bench.pass_time(limits.T_H) if raw[:1] == bytes([frames.REQ])] == []
    assert bench.events("pairing_failed") == []


def test_another_hub_s_broadcast_goes_on_when_a_key_is_in_use() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    two.ask(limits.JOIN_DELAY)
    broadcast(bench, one, two)
    one.agree()
    one.verify()
    bench.disconnect()
    assert states(bench) == [tables.BROADCASTING]
    two.agree()
    two.verify()
    assert bench.events("pairing_failed") == []


def test_who_was_asked_while_a_hub_s_user_compared_may_answer_after_that() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    broadcast(bench, one)
    one.agree()
    [request] = bench.connect() + bench.pass_time(limits.KEY_HOLD_DELAY)
    bench.disconnect()
    assert bench.connect() == [request]
    assert one.take(one.say(VERIFIED, b"\x01"))[0] == INFO
    bench.disconnect()
    assert bench.connect() == [request]
    assert bench.give(two.responder.accept(request)) == []
    assert states(bench) == [tables.BROADCASTING]


# --- a hub that begins anew while its user compares


def twice(bench: Bench) -> Member:
    """Let a hub come to OPEN, forget that, and come to OPEN once more; return it with its newer key."""
    first, second = Member(bench, "a"), Member(bench, "a")
    second.responder._nonce = b"x" * 16
    first.ask()
    broadcast(bench, first)
    first.agree()
    second.ask(limits.KEY_HOLD_DELAY)
    broadcast(bench, second)
    second.agree()
    assert states(bench) == [tables.OPENED, tables.OPENED]
    return second


def test_both_negotiations_are_over_when_the_newer_key_is_in_use() -> None:
    bench = Bench()
    twice(bench).verify()
    assert states(bench) == []
    assert [(key.pairing, key.committed) for key in bench.device.keyring.entries] == [(2, True)]
    bench.pass_time(limits.OPEN_TIME + limits.MINUTE)
    assert bench.events("pairing_failed") == []
    assert bench.events("paired") == [None]


def test_a_resume_under_the_older_key_refuses_both() -> None:
    bench, [old] = household("a")
    bench.device.pair(bench.now)
    twice(bench)
    assert bench.connect() == []
    old.resume()
    assert states(bench) == []
    assert bench.events("pairing_failed") == ["refused", "refused"]
    assert [(key.pairing, key.epoch, key.committed) for key in bench.device.keyring.entries] == [(1, 1, True)]
    bench.disconnect()
    bench.pass_time(limits.OPEN_TIME + limits.MINUTE)
    assert len(bench.events("pairing_failed")) == 2

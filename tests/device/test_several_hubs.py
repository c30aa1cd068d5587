"""One broadcast, many collectors, and a device that belongs to several hubs (protocol.md 9)."""

from typing import Any

import pytest

from self_secure_device import adverts, frames, keyring, limits
from self_secure_device.errors import DeviceError
from self_secure_device.session import BYTES, READINGS, TEXT
from tests.device.bench import VERIFIED, Bench
from tests.device.household import JOIN, Member, broadcast, household
from tests.device.responder import Renewer, Responder


def stored(bench: Bench) -> list[Any]:
    entries: list[Any] = keyring.decode(bench.port.saved[-1])[1]
    return entries


def kinds(said: list[bytes]) -> list[int]:
    return [frames.decode(raw).kind for raw in said]


# --- one broadcast


def test_all_hubs_answer_one_request_and_each_gets_a_key_and_a_code_of_its_own() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    assert one.ask() == two.ask(JOIN)
    broadcast(bench, one, two)
    one.agree()
    assert bench.device.broadcasting  # for the other one
    two.agree()
    assert not bench.device.broadcasting
    assert bench.events("code") == [one.responder.code, two.responder.code]
    assert one.responder.code != two.responder.code
    assert one.responder.root != two.responder.root
    one.verify()
    bench.disconnect()
    two.verify()
    assert [(key.identity, key.committed) for key in stored(bench)] == [(two.identity, True), (one.identity, True)]


def test_a_hub_that_comes_later_collects_from_there_on() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    broadcast(bench, one, count=40)
    two.ask(JOIN)
    broadcast(bench, one, two, count=40)
    two.agree()
    one.agree()
    assert min(two.responder.members) == 40
    assert len(bench.events("code")) == 2


def test_a_hub_that_speaks_first_gets_no_request() -> None:
    bench = Bench()
    one = Member(bench, "a")
    one.ask()
    broadcast(bench, one)
    assert bench.connect() == []
    assert kinds(bench.give(one.responder.respond(range(30)))) == [frames.ACK]
    assert bench.pass_time(JOIN) == []


def test_who_is_silent_for_half_a_second_is_asked() -> None:
    bench = Bench()
    one = Member(bench, "a")
    request = one.ask()
    assert bench.connect() == []
    assert bench.pass_time(JOIN - 1) == []
    assert bench.pass_time(1) == [request]


def test_nobody_joins_when_most_of_the_broadcast_has_passed() -> None:
    bench = Bench()
    one = Member(bench, "a")
    one.ask()
    broadcast(bench, one, count=limits.MAX_PACKETS // 2 + 1)
    assert bench.connect() + bench.pass_time(JOIN) == []


def test_somebody_joins_at_half_of_the_broadcast() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    broadcast(bench, one, count=limits.MAX_PACKETS // 2)
    two.ask(JOIN)


def test_the_broadcast_ends_at_the_largest_number() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask(n_max=20)
    two.ask(JOIN, n_max=30)
    broadcast(bench, one, two, count=30)
    assert not bench.device.broadcasting


def test_a_negotiation_of_a_hub_is_opened_once() -> None:
    bench = Bench()
    one, again = Member(bench, "a"), Member(bench, "a")
    again.responder._nonce = b"x" * 16
    one.ask()
    [request] = bench.connect() + bench.pass_time(JOIN)
    assert bench.give(again.responder.accept(request)) == []
    assert len(bench.device._pairing.negotiations) == 2
    assert bench.device.counters == {"out of state": 1}


def test_a_repeated_acc_opens_nothing() -> None:
    bench = Bench()
    one = Member(bench, "a")
    [request] = bench.connect()
    accept = one.responder.accept(request)
    bench.give(accept)
    bench.disconnect()
    bench.connect()
    assert bench.give(accept) == []
    assert (len(bench.device._pairing.negotiations), bench.device.counters) == (1, {})


@pytest.mark.parametrize("reason", [1, 2, 6])
def test_a_failing_hub_affects_nobody(reason: int) -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    two.ask(JOIN)
    broadcast(bench, one, two)
    bench.connect()
    wrong = bytearray(one.responder.respond(range(30)))
    wrong[-1] ^= 1
    assert bench.give(bytes(wrong)) == []  # nobody knows whose it is
    bench.disconnect()
    two.agree()
    assert bench.connect() == []
    bench.give(frames.encode_head(frames.NAK, bytes([reason])))
    assert (len(bench.events("pairing_failed")), bench.device.broadcasting) == (1, False)
    bench.disconnect()
    two.verify()
    assert [key.identity for key in stored(bench)] == [two.identity]


def test_a_response_of_one_hub_never_ends_the_negotiation_of_another() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask(minimum=60)
    two.ask(JOIN)
    broadcast(bench, one, two, count=60)
    bench.connect()
    assert kinds(bench.give(two.responder.respond(range(20)))) == [frames.ACK]  # too few for the other one
    bench.disconnect()
    one.agree()
    assert bench.events("pairing_failed") == []


def test_tags_are_asked_of_the_hub_whose_link_it_is() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    two.ask(JOIN)
    broadcast(bench, one, two)
    two.agree()
    one.responder.random[5] = bytes(20)  # forged
    bench.connect()
    [tags] = bench.give(one.responder.respond(range(40)))
    assert frames.decode(tags).kind == frames.TAGS
    [ack] = bench.give(one.responder.tags(tags))
    one.responder.random.pop(5)
    [opened] = bench.give(one.responder.confirm(ack))
    one.responder.finish(opened)
    assert len(one.responder.agreed) == 39


def test_secrets_of_the_request_go_with_the_last_negotiation() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    two.ask(JOIN)
    request = bench.device._pairing.negotiation.request
    broadcast(bench, one, two)
    one.agree()
    assert request._secrets is not None
    two.agree()
    assert request._secrets is None


def test_no_more_negotiations_than_the_memory_holds() -> None:
    bench = Bench()
    for name in "abcd":
        Member(bench, name).ask(0 if name == "a" else JOIN)
    assert len(bench.device._pairing.negotiations) == limits.MAX_NEGOTIATIONS
    assert bench.connect() + bench.pass_time(60_000) == []


def test_a_hub_while_another_ones_user_compares_gets_a_broadcast_of_its_own() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    first = one.ask()
    broadcast(bench, one)
    one.agree()
    second = two.ask(limits.KEY_HOLD_DELAY)
    assert first[:1] == second[:1]
    assert first != second
    broadcast(bench, two)
    two.agree()
    one.verify()
    bench.disconnect()
    two.verify()
    assert len(bench.device.hubs) == 2


# --- one after the other


def test_a_further_hub_is_added_by_a_broadcast_of_its_own() -> None:
    bench, [one] = household("a")
    bench.device.pair(bench.now)
    two = Member(bench, "b")
    two.ask()
    broadcast(bench, two)
    two.agree()
    two.verify()
    bench.disconnect()
    assert [key.identity for key in stored(bench)] == [two.identity, one.identity]
    bench.connect()
    assert one.say(TEXT, b"still here") == b""
    assert bench.events("text") == ["still here"]


def test_a_new_key_with_one_hub_leaves_the_others_alone() -> None:
    bench, [one, two] = household("a", "b")
    bench.device.pair(bench.now)
    again = Member(bench, "a")
    again.ask()
    broadcast(bench, again)
    again.agree()
    again.verify()
    assert [(key.identity, key.pairing) for key in stored(bench)] == [(one.identity, 3), (two.identity, 2)]


def test_no_more_than_four_hubs() -> None:
    bench, _ = household("a", "b", "c", "d")
    bench.device.pair(bench.now)
    [request] = bench.connect()
    assert bench.give(Member(bench, "e").responder.accept(request)) == []
    assert (bench.device.broadcasting, len(bench.events("error"))) == (False, 1)


def test_a_device_that_one_hub_has_left_without_an_answer_too_often_asks_nobody() -> None:
    bench, _ = household("a", "b")
    for _ in range(limits.MAX_KEYS - 1):
        bench.device.pair(bench.now)
        again = Member(bench, "a")
        again.ask(limits.KEY_HOLD_DELAY)
        broadcast(bench, again)
        again.agree()
    with pytest.raises(DeviceError, match="too many pairings"):
        bench.device.pair(bench.now)


def test_a_hub_that_never_answered_makes_room() -> None:
    bench, _ = household("a", "b", "c")
    bench.device.pair(bench.now)
    silent = Member(bench, "x")
    silent.ask()
    broadcast(bench, silent)
    silent.agree()
    bench.pass_time(limits.OPEN_TIME)
    bench.device.pair(bench.now)
    fourth = Member(bench, "d")
    fourth.ask(limits.KEY_HOLD_DELAY)
    broadcast(bench, fourth)
    fourth.agree()
    assert silent.identity not in [key.identity for key in stored(bench)]
    assert len(bench.device.peers) == 4


# --- messages


def test_nothing_is_said_before_the_hub_shows_who_it_is() -> None:
    bench, [one, _two] = household("a", "b")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    assert bench.connect() + bench.pass_time(60_000) == []
    data = one.say(6, b"")  # an INFO without a word: "it is me"
    assert one.take(data) == (READINGS, 2, b"\x01\x50")


def test_a_hub_shows_who_it_is_by_a_resume() -> None:
    bench, [_one, two] = household("a", "b")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.connect()
    [data] = two.resume()
    assert two.take(data) == (READINGS, 1 << 32 | 1, b"\x01\x50")


def test_every_hub_gets_every_message_in_its_own_order() -> None:
    bench, [one, two] = household("a", "b")
    bench.device.send(BYTES, b"first", bench.now)
    bench.connect()
    assert one.take(one.say(6, b""))[2] == b"first"
    bench.disconnect()
    bench.device.send(BYTES, b"second", bench.now)
    bench.connect()
    first = two.say(6, b"")
    _, number, body, dack = bench.accept(two.session, first)
    [second] = bench.give(dack)
    assert (number, body, two.take(second)) == (2, b"first", (BYTES, 3, b"second"))
    assert [peer.queue == [] for peer in bench.device.hubs] == [True, False]


def test_one_full_queue_does_not_keep_a_message_from_the_others() -> None:
    bench, [one, _two] = household("a", "b")
    for number in range(limits.MAX_QUEUE):
        bench.device.send(BYTES, bytes([number]), bench.now)
    bench.connect()
    one.take(one.say(6, b""))
    bench.disconnect()
    bench.device.send(BYTES, b"more", bench.now)
    assert sorted(len(peer.queue) for peer in bench.device.hubs) == [limits.MAX_QUEUE, limits.MAX_QUEUE]
    with pytest.raises(DeviceError, match="queue full"):
        bench.device.send(BYTES, b"too much", bench.now)


def test_the_frames_of_one_hub_open_nothing_of_another() -> None:
    bench, [one, two] = household("a", "b")
    bench.connect()
    chains = [peer.session.receiver.chain for peer in bench.device.hubs]
    one.session, two.session = two.session, one.session
    two.session.sender.seq = 5
    assert bench.tell(two.session, TEXT, 9, b"forged") == []
    assert [peer.session.receiver.chain for peer in bench.device.hubs] == chains


def test_events_tell_which_hub_they_are_about() -> None:
    bench, [one, two] = household("a", "b")
    for member in (one, two):
        bench.connect()
        member.say(TEXT, b"hello")
        assert bench.device.hub == member.identity
        bench.disconnect()


# --- beacon, restart, end


def test_the_beacon_shows_the_highest_state() -> None:
    bench, [one, two] = household("a", "b")
    assert bench.device.state == adverts.PAIRED
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.connect()
    one.take(one.say(6, b""))
    assert bench.device.state == adverts.WAITING
    bench.restart()
    bench.connect()
    one.resume()
    assert bench.device.state == adverts.FORGETFUL
    bench.disconnect()
    bench.connect()
    two.resume()
    assert bench.device.state == adverts.PAIRED


def test_a_resume_with_one_hub_drops_nothing_of_another() -> None:
    bench, [one, two] = household("a", "b")
    before = stored(bench)[0].store
    bench.restart()
    bench.connect()
    one.resume()
    assert [(key.identity, key.epoch) for key in stored(bench)] == [(two.identity, 0), (one.identity, 1)]
    assert stored(bench)[0].store == before


def test_an_answer_to_a_resume_counts_on_its_own_link_only() -> None:
    bench, [one, _two] = household("a", "b")
    bench.connect()
    renewer = Renewer(one.identity, b"n" * 16, b"t" * 32)
    [r1] = bench.give(renewer.hello)
    r2 = renewer.renew(r1, {0: one.session.store})
    bench.disconnect()
    bench.connect()
    assert bench.give(r2) == []
    assert bench.events("resumed") == []


def test_one_hub_can_be_forgotten_by_hand() -> None:
    bench, [one, two] = household("a", "b")
    bench.device.forget(one.identity)
    assert [key.identity for key in stored(bench)] == [two.identity]
    with pytest.raises(DeviceError, match="no such hub"):
        bench.device.forget(one.identity)


def test_a_reset_ends_them_all() -> None:
    bench, _ = household("a", "b")
    bench.device.reset()
    assert (stored(bench), bench.device.state, bench.device.peers) == ([], adverts.READY, {})


def test_a_hub_whose_negotiation_runs_is_not_asked_again() -> None:
    bench, [one] = household("a")
    bench.device.pair(bench.now)
    again = Member(bench, "a")
    again.ask()
    broadcast(bench, again)
    again.agree()
    bench.connect()
    one.say(TEXT, b"by the old chains")
    assert bench.pass_time(60_000) == []


def test_a_stranger_cannot_answer_for_a_known_hub() -> None:
    bench, [_one] = household("a")
    bench.connect()
    stranger = Responder(b"z" * 16, b"z" * 16, b"z" * 32, b"z" * 16)
    assert bench.give(frames.encode_head(frames.R0, b"n" * 16 + stranger.identity)) == []
    assert bench.device.counters["out of state"] == 1


# --- one link for all


def test_a_hub_that_has_everything_makes_room_for_one_that_waits() -> None:
    bench, [one, _two] = household("a", "b")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.connect()
    one.take(one.say(6, b""))
    bench.pass_time(limits.YIELD_DELAY - 1)
    assert not bench.device.yields
    bench.pass_time(1)
    assert bench.device.yields


def test_nobody_is_hung_up_on_while_nobody_waits() -> None:
    bench, [_one] = household("a")
    bench.connect()
    bench.pass_time(600_000)
    assert not bench.device.yields


def test_an_unanswered_message_keeps_the_link() -> None:
    bench, [one, _two] = household("a", "b")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.connect()
    one.say(6, b"")
    bench.pass_time(limits.YIELD_DELAY)
    assert not bench.device.yields


def test_a_stranger_gets_more_time() -> None:
    bench, _ = household("a", "b")
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.connect()
    bench.pass_time(limits.STRANGER_DELAY - 1)
    assert not bench.device.yields
    bench.pass_time(1)
    assert bench.device.yields


def test_a_hub_in_the_middle_of_its_negotiation_is_not_hung_up_on() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    two.ask(JOIN)
    broadcast(bench, one, two)
    bench.connect()
    bench.give(one.responder.respond(sorted(one.responder.random)))
    bench.pass_time(limits.STRANGER_DELAY)
    assert not bench.device.yields


def test_a_hub_makes_room_for_the_broadcast_of_another_one() -> None:
    bench = Bench()
    one, two = Member(bench, "a"), Member(bench, "b")
    one.ask()
    two.ask(JOIN)
    broadcast(bench, one, two)
    one.agree()
    bench.connect()
    info = one.say(VERIFIED, b"\x01")
    bench.pass_time(limits.YIELD_DELAY)
    assert not bench.device.yields  # its INFO is unanswered
    one.take(info)
    bench.pass_time(limits.YIELD_DELAY)
    assert bench.device.yields

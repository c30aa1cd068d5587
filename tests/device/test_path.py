"""The far end of a relay: keys that only carry, paths that open and close (protocol.md 10), frame by frame."""

import pytest

from self_secure_device import adverts, frames, keyring, limits, path
from self_secure_device.crypto import u16
from self_secure_device.session import BYTES, INFO, READINGS, RELAY, ROUTE, TEXT
from tests.device.bench import IDENTITY, VERIFIED, Bench
from tests.device.carrier import CARRIES, NOWHERE, Carrier, FarHub, carried, far, inner_frames
from tests.device.household import Member, broadcast, household


def kinds(said: list[bytes]) -> list[int]:
    return [frames.decode(raw).kind for raw in said]


# --- a relay is no hub


def test_a_relay_is_no_hub() -> None:
    bench, carrier = carried()
    assert bench.device.hubs == []
    assert bench.device.peer is None
    assert bench.device.state == adverts.READY
    assert [(key.identity, key.committed, key.relay) for key in keyring.decode(bench.port.saved[-1])[1]] == [(carrier.identity, True, True)]
    assert bench.port.events == [("carried", carrier.identity[:4])]  # no code, nothing to compare


def test_a_relay_s_key_is_one_from_the_beginning() -> None:
    bench = Bench()
    carrier = Carrier(bench, "b")
    carrier.ask(role=CARRIES)
    broadcast(bench, carrier)
    carrier.agree()
    assert [(key.committed, key.relay) for key in keyring.decode(bench.port.saved[-1])[1]] == [(False, True)]


@pytest.mark.parametrize("role", [b"\x00", b"\x02", b"\x01\x01"])
def test_an_unknown_role_is_dropped(role: bytes) -> None:
    bench = Bench()
    [request] = bench.connect()
    assert bench.give(Member(bench, "b").responder.accept(request, role=role)) == []
    assert (bench.device.broadcasting, bench.device.counters) == (False, {"malformed": 1})


def test_nothing_of_ours_goes_to_a_relay() -> None:
    bench, carrier, hub = far()
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    said = carrier.hear_all(bench.pass_time(0))
    assert [kind for kind, _ in said] == [RELAY]
    assert hub.take(inner_frames(1, said)[0])[:2] == (READINGS, b"\x01\x50")


def test_what_a_relay_says_itself_is_not_told() -> None:
    bench, carrier = carried()
    before = len(bench.port.events)
    for kind in (TEXT, BYTES, VERIFIED):
        carrier.hop(kind, b"\x01")
    assert len(bench.port.events) == before


def test_what_waits_for_a_relay_is_nothing_that_a_user_hears_of_after_a_new_key_either() -> None:
    bench, carrier = carried()
    peer, part = bench.device.peers[carrier.identity], path.Part(INFO, b"")
    peer.queue = [part]
    peer.renumber([])
    assert peer.queue == [part]


def test_a_relay_that_connects_is_not_asked_for_a_key() -> None:
    bench, carrier = carried()
    bench.disconnect()
    carrier.meet()
    assert bench.pass_time(60_000) == []


def test_somebody_else_who_connects_is_asked_half_a_second_later() -> None:
    bench, _ = carried()
    bench.disconnect()
    assert bench.connect() + bench.pass_time(limits.JOIN_DELAY - 1) == []
    assert kinds(bench.pass_time(1)) == [frames.REQ]


def test_a_relay_is_kept_over_a_restart_and_resumes() -> None:
    bench, carrier = carried()
    bench.restart()
    assert (bench.device.hubs, bench.device.state) == ([], adverts.READY)
    bench.connect()
    carrier.renew()
    assert [key.relay for key in keyring.decode(bench.port.saved[-1])[1]] == [True]
    assert bench.events("resumed") == []
    assert FarHub(carrier).open() == []


def test_a_relay_makes_room_when_there_is_none() -> None:
    bench, carrier = carried()
    bench.disconnect()
    for name in "wxyz":
        member = Member(bench, name)
        bench.device.pair(bench.now)
        member.ask(limits.KEY_HOLD_DELAY)
        broadcast(bench, member)
        member.agree()
        member.verify()
        bench.disconnect()
    assert carrier.identity not in bench.device.peers
    assert len(bench.device.hubs) == limits.MAX_HUBS


# --- opening and closing


def test_a_path_to_us_is_confirmed_by_our_identity() -> None:
    _, carrier = carried()
    assert carrier.route(7, IDENTITY)[0] == (ROUTE, u16(7) + IDENTITY)


def test_a_path_may_name_us_by_the_four_bytes_of_the_beacon() -> None:
    _, carrier = carried()
    assert carrier.route(7, IDENTITY[:4] + bytes(12))[0] == (ROUTE, u16(7) + IDENTITY)


@pytest.mark.parametrize("identity", [b"x" * 16, IDENTITY[:4] + bytes(11) + b"\x01", IDENTITY[:3] + bytes(13)])
def test_a_path_to_somebody_else_leads_nowhere(identity: bytes) -> None:
    _, carrier = carried()
    assert carrier.route(7, identity) == [(ROUTE, u16(7) + NOWHERE)]


@pytest.mark.parametrize("size", [0, 1, 17, 19])
def test_a_route_has_18_bytes(size: int) -> None:
    bench, carrier = carried()
    assert carrier.hop(ROUTE, bytes([1]) * size) == []
    assert bench.device.counters == {"malformed": 1}


def test_no_more_paths_than_hubs() -> None:
    _, carrier = carried()
    opened = [carrier.route(number, IDENTITY)[0][1][2:] for number in range(1, path.MAX_PATHS + 2)]
    assert opened == [IDENTITY] * path.MAX_PATHS + [NOWHERE]


def test_an_unpaired_device_asks_over_the_path() -> None:
    _, carrier = carried()
    hub = FarHub(carrier)
    assert kinds(hub.open() + hub.wait(limits.JOIN_DELAY)) == [frames.REQ]


def test_a_withdrawn_path_carries_nothing() -> None:
    bench, carrier, hub = far()
    assert carrier.route(1, NOWHERE) == []
    assert hub.give(b"\x10" * 40) == []
    assert bench.device.counters == {"no path": 1}


def test_the_end_of_the_connection_ends_the_paths() -> None:
    bench, carrier, hub = far()
    bench.disconnect()
    carrier.meet()
    assert hub.give(b"\x10" * 40) == []
    assert bench.device.counters == {"no path": 1}


def test_a_path_that_is_opened_again_is_a_new_connection() -> None:
    bench, _, hub = far()
    for _ in range(limits.MAX_R0):
        hub.resume()
    [hello] = [frames.encode_head(frames.R0, b"n" * 16 + hub.identity)]
    assert hub.give(hello) == []  # the fourth on this path
    assert hub.open() == []
    assert kinds(hub.give(hello)) == [frames.R1]
    assert bench.device.counters["out of state"] == 1


def test_what_waited_for_a_lost_hop_is_dropped() -> None:
    bench, carrier, hub = far()
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.device.send(TEXT, b"waits", bench.now)
    assert [message.kind for message in bench.device.peers[carrier.identity].queue] == [RELAY]
    bench.disconnect()
    assert bench.device.peers[carrier.identity].queue == []
    assert [message.kind for message in bench.device.peers[hub.identity].queue] == [READINGS, TEXT]


# --- a hub asks for a relay's key


def test_a_hub_names_a_relay_which_then_gets_a_key_without_a_button() -> None:
    bench, _, hub = far()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    bench.disconnect()
    other = Carrier(bench, "r")
    other.adopt(limits.JOIN_DELAY)
    assert bench.device.peers[other.identity].relay
    assert len(bench.events("code")) == 1
    bench.disconnect()
    assert bench.connect() + bench.pass_time(60_000) == []  # once


@pytest.mark.parametrize(("name", "role"), [("x", CARRIES), ("x", b""), ("r", b"")])
def test_nobody_else_may_answer_then_and_only_as_a_relay(name: str, role: bytes) -> None:
    bench, _, hub = far()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    bench.disconnect()
    [request] = bench.connect() + bench.pass_time(limits.JOIN_DELAY)
    assert bench.give(Member(bench, name).responder.accept(request, role=role)) == []
    assert (bench.device.broadcasting, bench.device.counters) == (False, {"out of state": 1})


def test_a_relay_cannot_ask_for_that() -> None:
    bench, carrier, _ = far()
    assert carrier.route(0, b"r" * 16) == [(ROUTE, u16(0) + NOWHERE)]
    bench.disconnect()
    assert bench.connect() + bench.pass_time(60_000) == []


def test_the_button_takes_precedence() -> None:
    bench, _, hub = far()
    bench.device.pair(bench.now)
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    assert bench.device._pairing.only is None


def test_the_relay_that_was_named_last_counts() -> None:
    bench, _, hub = far()
    assert hub.say(ROUTE, u16(0) + b"q" * 16) == []
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    bench.disconnect()
    other = Carrier(bench, "r")
    other.adopt(limits.JOIN_DELAY)
    assert bench.device.peers[other.identity].relay


def test_a_relay_that_shows_its_key_ends_the_wish() -> None:
    bench, carrier, hub = far()
    assert hub.say(ROUTE, u16(0) + carrier.identity) == []  # it has just come over this very relay
    bench.disconnect()
    assert bench.connect() + bench.pass_time(60_000) == []


def beside() -> tuple[Bench, Carrier, Member]:
    """Return a device that a relay has adopted and that has then paired with a hub directly; no link is open."""
    bench, carrier = carried()
    bench.disconnect()
    hub = Member(bench, "c")
    hub.ask(limits.JOIN_DELAY)
    broadcast(bench, hub)
    hub.agree()
    hub.verify()
    bench.disconnect()
    return bench, carrier, hub


def test_r0_alone_does_not_end_the_wish() -> None:
    bench, carrier, hub = beside()
    bench.connect()
    assert hub.say(ROUTE, u16(0) + carrier.identity) == b""
    bench.disconnect()
    assert bench.connect() == []
    assert kinds(bench.give(frames.encode_head(frames.R0, b"n" * 16 + carrier.identity))) == [frames.R1]
    assert bench.device._pairing.only == carrier.identity
    bench.disconnect()
    carrier.meet()
    assert bench.device._pairing.only is None


def test_a_hub_that_shows_itself_is_not_asked_on_a_relay_s_behalf() -> None:
    bench, _, hub = beside()
    bench.connect()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == b""
    bench.disconnect()
    assert bench.connect() == []
    assert hub.say(6, b"") == b""
    assert bench.pass_time(60_000) == []
    bench.disconnect()
    assert kinds(bench.connect() + bench.pass_time(limits.JOIN_DELAY)) == [frames.REQ]


def test_a_request_for_one_relay_does_not_go_over_a_path() -> None:
    """There is a hub at its end."""
    _, _, hub = far()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    assert hub.open() + hub.wait(60_000) == []


def test_a_request_for_one_relay_waits_on_each_link_for_who_it_is() -> None:
    bench, carrier, hub = far()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    bench.disconnect()
    assert bench.connect() == []
    [request] = bench.pass_time(limits.JOIN_DELAY)
    bench.disconnect()
    carrier.meet()  # the other relay, which has a key
    assert bench.pass_time(10_000) == []
    bench.disconnect()
    assert bench.connect() + bench.pass_time(limits.JOIN_DELAY - 1) == []
    assert bench.pass_time(1) == [request]


def test_a_device_with_one_hub_waits_half_a_second_for_the_relay_that_it_named() -> None:
    bench, [hub] = household("c")
    bench.connect()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == b""
    bench.disconnect()
    assert bench.connect() + bench.pass_time(limits.JOIN_DELAY - 1) == []
    assert kinds(bench.pass_time(1)) == [frames.REQ]


def test_the_wish_ends_after_ten_minutes() -> None:
    bench, _, hub = far()
    assert hub.say(ROUTE, u16(0) + b"r" * 16) == []
    bench.disconnect()
    bench.pass_time(limits.PAIR_WINDOW)
    assert bench.connect() + bench.pass_time(60_000) == []

"""A whole pairing and what may go wrong in it, against a scripted hub (protocol.md 5)."""

import pytest

from self_secure_device import frames, keyring, keys
from tests.device.bench import HUB, VERIFIED, Bench


@pytest.mark.parametrize("suite_id", [0x11, 0x01])
def test_pairs_and_shows_the_code_of_the_hybrid_suite(suite_id: int) -> None:
    bench = Bench((suite_id,))
    bench.pair(suite_id=suite_id)
    assert bench.events("code") == [bench.responder.code][: suite_id >> 4]
    assert bench.events("paired") == [None]
    assert bench.events("verified") == [True]
    assert bench.device.state == 1


def test_the_key_is_on_disk_uncommitted_before_open_leaves() -> None:
    bench = Bench()
    responder = bench.collect()
    [ack] = bench.give(responder.respond(range(30)))
    before = len(bench.port.saved)
    [opened] = bench.give(responder.confirm(ack))
    responder.finish(opened)
    _, [key], _ = keyring.decode(bench.port.saved[-1])
    assert len(bench.port.saved) == before + 1
    assert (key.committed, key.epoch, key.store) == (False, 0, keys.store_key(responder.root))
    assert bench.device.state == 0


def test_a_failed_write_keeps_open_back() -> None:
    bench = Bench()
    responder = bench.collect()
    [ack] = bench.give(responder.respond(range(30)))
    bench.port.broken = True
    assert bench.give(responder.confirm(ack)) == []
    assert bench.events("pairing_failed") == ["cannot store: disk full"]
    assert bench.device.keyring.entries == []
    assert bench.events("code") == []


def test_no_data_before_the_hubs_first_frame() -> None:
    bench = Bench()
    bench.open()
    assert bench.pass_time(60_000) == []


def test_commit_and_mark_are_one_write() -> None:
    bench = Bench()
    session = bench.open()
    before = len(bench.port.saved)
    bench.tell(session, VERIFIED, 1, b"\x00")
    _, [key], _ = keyring.decode(bench.port.saved[-1])
    assert len(bench.port.saved) == before + 1
    assert (key.committed, key.mark) == (True, 1)
    assert bench.events("verified") == [False]


def test_a_failed_commit_changes_nothing_and_is_made_up_for() -> None:
    bench = Bench()
    session = bench.open()
    session.sender.load(b"\x05" + (1).to_bytes(8) + b"\x01")
    data = session.sender.attempt(b"R" * 16, 0)
    bench.port.broken = True
    assert bench.give(data) == []
    assert bench.device.state == 0
    bench.port.broken = False
    assert len(bench.give(data)) == 2
    assert bench.device.state == 2


def test_every_answer_is_repeated_byte_for_byte_on_a_new_connection() -> None:
    bench = Bench()
    responder = bench.collect()
    response = responder.respond(range(30))
    [ack] = bench.give(response)
    bench.disconnect()
    bench.connect()
    assert bench.give(response) == [ack]
    end = responder.confirm(ack)
    [opened] = bench.give(end)
    bench.disconnect()
    bench.connect()
    assert bench.give(end) == [opened]
    assert bench.give(response) == [ack]
    assert len(bench.device.keyring.entries) == 1


def test_a_second_different_accept_is_dropped() -> None:
    bench = Bench()
    responder = bench.collect()
    other = bench.device._pairing.negotiation.request
    twin = type(responder)(HUB, b"m" * 16, b"s" * 32, b"r" * 16)
    assert bench.give(twin.accept(other.frame)) == []
    [ack] = bench.give(responder.respond(range(30)))
    assert frames.decode(ack).kind == frames.ACK


def test_request_is_repeated_unchanged_until_accepted() -> None:
    bench = Bench()
    [request] = bench.connect()
    bench.disconnect()
    assert bench.connect() == [request]


def test_no_new_request_while_a_negotiation_runs() -> None:
    bench = Bench()
    bench.collect()
    bench.disconnect()
    assert bench.connect() == []


@pytest.mark.parametrize(
    ("reason", "cause"),
    [(1, "too few packets"), (2, "conflicts"), (3, "suite below the floor"), (4, "wrong MAC"), (5, "busy"), (6, "refused")],
)
def test_nak_ends_with_its_cause(reason: int, cause: str) -> None:
    bench = Bench()
    bench.collect()
    bench.give(frames.encode_head(frames.NAK, bytes([reason])))
    assert bench.events("pairing_failed") == [cause]
    assert bench.device.keyring.entries == []


def test_an_unknown_reason_is_dropped() -> None:
    bench = Bench()
    bench.collect()
    bench.give(frames.encode_head(frames.NAK, b"\x07"))
    assert bench.events("pairing_failed") == []
    assert bench.device.counters == {"out of state": 1}


def test_after_open_nak_is_ignored() -> None:
    bench = Bench()
    session = bench.open()
    bench.give(frames.encode_head(frames.NAK, b"\x06"))
    assert bench.events("pairing_failed") == []
    assert len(bench.tell(session, VERIFIED, 1, b"\x01")) == 2


def test_waits_for_the_user_then_asks_again_with_a_new_request() -> None:
    bench = Bench()
    [first] = bench.connect()
    assert bench.pass_time(119_000) == []
    assert bench.pass_time(1_000) == []
    assert bench.events("pairing_failed") == ["timeout"]
    assert bench.pass_time(23_000) == []
    [second] = bench.pass_time(14_000)
    assert frames.decode(second).kind == frames.REQ
    assert second != first


def test_the_wait_between_requests_doubles_to_ten_minutes() -> None:
    bench = Bench()
    bench.connect()
    waits = []
    for _ in range(8):
        bench.pass_time(120_000)
        start = bench.now
        bench.pass_time(bench.device.deadline - bench.now)
        waits.append((bench.now - start) / 1000)
    expected = [30, 60, 120, 240, 480, 600, 600, 600]
    assert all(0.8 * base <= wait <= 1.2 * base for wait, base in zip(waits, expected, strict=True))


def test_a_hub_that_has_forgotten_gets_a_new_request() -> None:
    bench = Bench()
    bench.collect()
    [request] = bench.pass_time(10_000)
    assert frames.decode(request).kind == frames.REQ
    assert bench.events("pairing_failed") == ["no RSP"]


def test_a_broadcast_without_response_ends() -> None:
    bench = Bench()
    responder = bench.collect()
    bench.disconnect()
    bench.broadcast(responder, 2048 - 60)
    assert not bench.device.broadcasting
    bench.pass_time(200_000)
    assert bench.events("pairing_failed") == ["no RSP"]


def test_an_end_that_never_comes() -> None:
    bench = Bench()
    responder = bench.collect()
    bench.give(responder.respond(range(30)))
    bench.pass_time(21_000)
    assert bench.events("pairing_failed") == ["no END"]


def test_a_wrong_end_is_dropped() -> None:
    bench = Bench()
    responder = bench.collect()
    [ack] = bench.give(responder.respond(range(30)))
    end = responder.confirm(ack)
    assert bench.give(end[:-1] + bytes([end[-1] ^ 1])) == []
    assert bench.device.counters == {"wrong MAC": 1}
    assert len(bench.give(end)) == 1


def test_an_unanswered_pairing_ends_after_eleven_minutes_and_keeps_its_key() -> None:
    bench = Bench()
    bench.open()
    bench.pass_time(659_000)
    assert bench.events("pairing_failed") == []
    bench.pass_time(1_000)
    assert bench.events("pairing_failed") == ["unconfirmed"]
    assert len(bench.device.keyring.entries) == 1


def test_holding_an_uncommitted_key_waits_five_seconds_before_asking() -> None:
    bench = Bench()
    bench.open()
    bench.restart()
    assert bench.connect() == []
    assert bench.pass_time(4_999) == []
    assert frames.decode(bench.pass_time(1)[0]).kind == frames.REQ


def test_no_more_than_four_keys_with_one_hub() -> None:
    bench = Bench()
    for _ in range(4):
        bench.open()
        bench.restart()
    assert len(bench.device.keyring.entries) == 4
    assert bench.connect() + bench.pass_time(60_000) == []
    assert bench.events("error") == ["too many pairings: let their hub answer one, or forget it, or reset this device"]


def test_a_paired_device_asks_only_after_a_local_action() -> None:
    bench = Bench()
    bench.pair()
    bench.disconnect()
    assert bench.connect() == []
    bench.device.pair(bench.now)
    [request] = bench.sent()
    assert frames.decode(request).kind == frames.REQ
    assert bench.device.state == 1


def test_the_local_action_is_remembered_ten_minutes() -> None:
    bench = Bench()
    bench.pair()
    bench.disconnect()
    bench.device.pair(bench.now)
    bench.pass_time(600_000)
    assert bench.connect() == []

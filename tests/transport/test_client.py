"""The pump: the real connection of the hub, the real core of the device, and a wire that can be cut."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
import logging
from typing import Any

import pytest

from custom_components.self_secure.protocol.errors import Cause, NotPairedError, StoppedError
from custom_components.self_secure.protocol.events import (
    EpochStarted,
    Event,
    FrameDropped,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    StoreFailed,
    Verdict,
)
from custom_components.self_secure.transport.beacon import RandomPacket, decode_advertisement
from custom_components.self_secure.transport.client import INBOX_MAX, LATENESS, Client
from custom_components.self_secure.transport.link import LinkError, LinkErrorKind

from .conftest import StartClient
from .wire import SETTINGS, Wire, pair, until


async def test_pairing_stores_the_key_before_anything_under_it_leaves(wire: Wire, client: Client) -> None:
    client.open_pairing()
    await until(lambda: wire.board.heard("code"))
    await until(lambda: wire.link is None)
    begun = len(wire.log)
    client.answer(Verdict.SAME)
    await until(lambda: wire.board.heard("verified"))
    assert wire.log[begun : begun + 3] == ["save", "connect", "write"]
    assert [event.record.verified for event in wire.of(PairingCompleted)] == [True]


async def test_link_is_ended_for_the_broadcast(wire: Wire, client: Client) -> None:
    client.open_pairing()
    await until(lambda: wire.board.heard("code") and wire.link is None)
    assert [entry for entry in wire.log if entry != "write"][:4] == ["connect", "hang up", "connect", "hang up"]


async def test_message_is_delivered_and_its_id_is_on_disk_before_it_leaves(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    begun = len(wire.log)
    handle = await paired.send(MessageType.TEXT, b"hello")
    await until(lambda: wire.board.heard("text"))
    assert wire.board.heard("text") == ["hello"]
    delivered = (await until(lambda: wire.of(MessageDelivered)))[0]
    assert (delivered.handle, delivered.attempts) == (handle, 1)
    assert wire.log.index("save", begun) < wire.log.index("write", begun)


def received(wire: Wire, number: int) -> bool:
    return len(wire.of(MessageReceived)) == number


async def test_handle_is_told_before_the_message_is_delivered(wire: Wire, paired: Client) -> None:
    """Who sends learns the handle before anything can happen to the message, or would wait for what has passed."""
    told: list[tuple[str, int]] = []
    report = paired.on_event

    def on_event(event: Event) -> None:
        told.append(("event", getattr(event, "handle", -1)))
        report(event)

    paired.on_event = on_event
    for _ in range(5):
        told.append(("handle", await paired.send(MessageType.TEXT, b"hello")))  # noqa: PERF401  # the order counts
    await until(lambda: len(wire.of(MessageDelivered)) == 5)
    handles = [handle for kind, handle in told if kind == "handle"]
    assert [told.index(("handle", handle)) < told.index(("event", handle)) for handle in handles] == [True] * 5


async def test_device_is_read_when_its_beacon_says_so(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    wire.events.clear()
    for number, body in enumerate((b"\x02\x01\x00", b"\x02\x02\x00"), 1):
        wire.board.core.send(MessageType.READINGS, body, wire.clock())
        await until(partial(received, wire, number))
        await until(lambda: wire.link is None)
    assert [one.body for one in wire.of(MessageReceived)] == [b"\x02\x01\x00", b"\x02\x02\x00"]


async def test_idle_link_is_ended_and_the_chain_goes_on(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    wire.events.clear()
    await paired.send(MessageType.TEXT, b"one")
    await until(lambda: wire.of(MessageDelivered))
    assert not wire.of(EpochStarted)


async def test_cut_connection_continues_the_message(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    wire.writes_left = 1
    await paired.send(MessageType.TEXT, b"x" * 300)
    await until(lambda: paired.contact.error)
    wire.writes_left = None
    await until(lambda: wire.board.heard("text"))
    assert wire.board.heard("text") == ["x" * 300]
    assert wire.board.heard("resumed") == []


async def test_link_that_ends_in_the_middle_of_the_negotiation_is_opened_again(wire: Wire, client: Client) -> None:
    client.open_pairing()
    await until(lambda: client.connection.collecting and wire.link is None)
    wire.writes_left = 1  # RSP takes more
    await until(lambda: client.contact.error)
    wire.writes_left = None
    await until(lambda: wire.board.heard("code"))
    assert wire.log.count("connect") == 3


async def test_link_that_the_radio_ends_is_opened_again(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    await paired.send(MessageType.TEXT, b"x")
    await until(lambda: wire.link is not None)
    wire.cut()
    await until(lambda: wire.board.heard("text"))
    assert paired.contact.error is None or paired.contact.error.kind is LinkErrorKind.LOST


async def test_failed_write_of_the_key_ends_everything_and_sends_nothing(wire: Wire, client: Client) -> None:
    client.open_pairing()
    await until(lambda: wire.board.heard("code"))
    await until(lambda: wire.link is None)
    wire.saves_fail, before = True, len(wire.log)
    client.answer(Verdict.SAME)
    await until(lambda: wire.of(StoreFailed))
    await asyncio.sleep(0.05)
    assert wire.log[before:] == []
    assert [failed.cause for failed in wire.of(PairingFailed)] == [Cause.NOT_STORED]
    with pytest.raises(StoppedError):
        await client.send(MessageType.TEXT, b"late")


async def test_failed_write_of_a_message_stops_it_and_the_next_client_goes_on(
    wire: Wire, paired: Client, start_client: StartClient
) -> None:
    await until(lambda: wire.link is None)
    wire.saves_fail = True
    begun = len(wire.log)
    with pytest.raises(StoppedError):  # not queued, and not told to be
        await paired.send(MessageType.TEXT, b"never")
    assert wire.of(StoreFailed)
    await paired.stop()
    assert "write" not in wire.log[begun:]
    wire.saves_fail = False
    follower = await start_client()
    await until(lambda: wire.board.heard("resumed"))
    await follower.send(MessageType.TEXT, b"again")
    await until(lambda: wire.board.heard("text"))
    assert wire.board.heard("text") == ["again"]


async def test_device_that_lost_its_memory_is_resumed(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    wire.board.power_cut()
    await until(lambda: [one for one in wire.of(EpochStarted) if one.resumed])
    await paired.send(MessageType.TEXT, b"back")
    await until(lambda: wire.board.heard("text"))


async def test_stop_disconnects_and_refuses(wire: Wire, paired: Client) -> None:
    await paired.stop()
    assert wire.link is None
    connects = wire.log.count("connect")
    with pytest.raises(StoppedError):
        await paired.send(MessageType.TEXT, b"late")
    wire.board.core.send(MessageType.READINGS, b"\x02\x01\x00", wire.clock())
    await asyncio.sleep(0.05)
    assert wire.log.count("connect") == connects


async def test_stop_while_a_link_is_being_opened_leaves_none_open(wire: Wire, client: Client) -> None:
    client.open_pairing()
    await until(lambda: wire.made)
    await client.stop()
    await asyncio.sleep(0.01)
    assert wire.link is None


async def test_stop_answers_who_still_waits(wire: Wire, client: Client) -> None:
    sending = asyncio.ensure_future(client.send(MessageType.TEXT, b"x"))
    await asyncio.sleep(0)
    await client.stop()
    with pytest.raises((StoppedError, NotPairedError)):
        await sending


async def test_message_of_who_does_not_wait_for_its_handle_is_not_queued(wire: Wire, paired: Client) -> None:
    sending = asyncio.ensure_future(paired.send(MessageType.TEXT, b"x"))
    await asyncio.sleep(0)
    sending.cancel()
    await paired.send(MessageType.TEXT, b"y")
    await until(lambda: wire.board.heard("text"))
    assert wire.board.heard("text") == ["y"]


async def test_stop_of_what_never_began(wire: Wire) -> None:
    await wire.client().stop()
    assert wire.log == []


async def test_refused_connections_are_tried_less_and_less_often(wire: Wire, client: Client) -> None:
    wire.refusal = LinkError(LinkErrorKind.REFUSED, "no")
    client.open_pairing()
    await asyncio.sleep(2.5)
    assert 2 <= wire.log.count("connect") <= 4
    assert client.contact.error is wire.refusal


async def test_beacon_hurries_after_nobody_heard_the_device(wire: Wire, paired: Client) -> None:
    await until(lambda: wire.link is None)
    wire.refusal = LinkError(LinkErrorKind.NOT_FOUND, "away")
    await paired.send(MessageType.TEXT, b"hello")
    await until(lambda: wire.log.count("connect") and paired.contact.error)
    paired.contact.back_off.until = float("inf")
    wire.refusal = None
    paired.beacon_seen(3)
    await until(lambda: wire.board.heard("text"))


async def test_garbage_is_dropped_counted_and_changes_nothing(wire: Wire, paired: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.self_secure")
    await until(lambda: wire.link is None)
    await paired.send(MessageType.TEXT, b"one")
    await until(lambda: wire.link is not None)
    assert wire.link is not None
    wire.link.received(b"\x80" + bytes(24))
    await until(lambda: wire.of(FrameDropped))
    await until(lambda: wire.of(MessageDelivered))
    assert [record.levelname for record in caplog.records if "dropped" in record.message] == ["DEBUG"]
    assert paired.connection.statistics.dropped == 1


async def test_answer_without_a_code_changes_nothing(wire: Wire, client: Client) -> None:
    client.answer(Verdict.SAME)
    await pair(wire, client)


def broken(_now: float) -> None:
    raise ValueError("a defect of ours")


async def test_error_in_an_input_ends_the_client_and_says_so(wire: Wire, paired: Client, caplog: pytest.LogCaptureFixture) -> None:
    paired.random_packet("scanner", 0, 0, bytes(20))
    paired.answer(Verdict.SAME)  # refused, and no more than that
    paired._post(broken)
    await until(lambda: wire.of(StoreFailed))
    assert "unexpected error" in caplog.text
    assert wire.link is None


# --- random packets


async def collect(wire: Wire, client: Client) -> Callable[[], RandomPacket]:
    """Let the client collect, and return what makes a packet that it has not heard."""
    client.open_pairing()
    await until(lambda: client.connection.collecting and wire.link is None and client._inbox.idle)

    def unheard() -> RandomPacket:
        packet = decode_advertisement(wire.board.core.next_random())
        assert isinstance(packet, RandomPacket)
        return packet

    return unheard


def collected(client: Client) -> list[int]:
    negotiation = client.connection._window._negotiation
    assert negotiation is not None
    return negotiation.collected()


def hear(client: Client, packet: RandomPacket) -> None:
    client.random_packet("another scanner", packet.sid, packet.seq, packet.value)


async def test_packet_goes_into_the_set_at_once(wire: Wire, client: Client) -> None:
    packet = (await collect(wire, client))()
    hear(client, packet)
    assert packet.seq in collected(client)


async def test_packets_wait_while_a_write_hangs(wire: Wire, paired: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await until(lambda: wire.link is None)
    wire.board.core.pair(wire.clock())
    await collect(wire, paired)
    hold, calls = asyncio.Event(), list[str]()

    async def hanging(snapshot: Mapping[str, Any]) -> None:
        calls.append("save")
        await hold.wait()
        calls.append("saved")

    paired.save = hanging
    note(calls, paired, "random_packet", monkeypatch)
    sending = asyncio.create_task(paired.send(MessageType.TEXT, b"hello"))
    await until(lambda: len(paired._inbox) > 2)
    hold.set()
    await sending
    await until(lambda: len(paired._inbox) == 0)
    written = calls.index("save")
    assert calls[written : written + 4] == ["save", "saved", "random_packet", "random_packet"]


async def test_flood_of_packets_is_bounded(wire: Wire, client: Client) -> None:
    await collect(wire, client)
    client.wake()  # the pump has something to do, and cannot while we flood
    for number in range(INBOX_MAX + 5):
        client.random_packet("scanner", 0, number, bytes(20))
    assert len(client._inbox) == INBOX_MAX


async def test_packets_that_nobody_collects_do_not_wait(wire: Wire) -> None:
    idle = wire.client()
    idle.random_packet("scanner", 0, 0, bytes(20))
    assert len(idle._inbox) == 0


async def test_what_a_packet_led_to_is_done_before_the_next_input(wire: Wire, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    packet, calls = (await collect(wire, client))(), list[str]()
    for name in ("random_packet", "events", "cancel_pairing"):
        note(calls, client, name, monkeypatch)
    hear(client, replace(packet, sid=packet.sid ^ 1))
    client.cancel_pairing()
    await until(lambda: wire.of(PairingFailed))
    assert calls[:2] == ["random_packet", "events"]
    assert len(wire.of(FrameDropped)) == 1


def note(calls: list[str], client: Client, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Note each call of a method of the connection."""
    method = getattr(client.connection, name)
    monkeypatch.setattr(client.connection, name, partial(noting, calls, name, method))


def noting(calls: list[str], name: str, method: Callable[..., Any], *arguments: Any) -> Any:
    calls.append(name)
    return method(*arguments)


async def test_timer_follows_a_packet_that_brings_it_forward(wire: Wire, client: Client) -> None:
    packet = (await collect(wire, client))()
    hear(client, replace(packet, seq=SETTINGS.rule.n_max - 1))
    deadline = client.connection.next_deadline
    assert deadline is not None
    assert deadline - asyncio.get_running_loop().time() < 2.0
    await until(lambda: client._inbox.rings_by(deadline + LATENESS), 0.2)


async def test_error_in_a_packet_ends_the_client_and_not_the_scanner(
    wire: Wire, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unheard = await collect(wire, client)
    monkeypatch.setattr(client.connection, "random_packet", lambda *arguments: broken(arguments[-1]))
    hear(client, unheard())
    await until(lambda: wire.of(StoreFailed))
    assert "a defect of ours" in caplog.text


async def test_key_is_in_no_log(wire: Wire, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await pair(wire, client)
    await client.send(MessageType.TEXT, b"attack at dawn")
    await until(lambda: wire.of(MessageDelivered))
    assert wire.disk is not None
    keys = [key for pairing in wire.disk["pairings"] for key in pairing["keys"].values()]
    assert keys
    assert not [key for key in keys if key in caplog.text or key in repr(wire.events)]
    assert "attack" not in caplog.text

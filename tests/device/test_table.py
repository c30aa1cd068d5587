"""Legality: in every state, a packet that the tables do not list changes nothing and is counted (house rule)."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from self_secure_device import frames, tables
from tests.device.bench import HUB, TEXT, Bench
from tests.device.responder import Renewer

KINDS = (0, 1, 3, 4, 5, 6, 7, 8, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24)


def fresh() -> Bench:
    return Bench()


def requested() -> Bench:
    bench = Bench()
    bench.connect()
    return bench


def broadcasting() -> Bench:
    bench = Bench()
    bench.collect()
    return bench


def tagging() -> Bench:
    bench = Bench()
    responder = bench.collect()
    responder.random[5] = b"forged"
    bench.give(responder.respond(range(30)))
    return bench


def acknowledged() -> Bench:
    bench = Bench()
    responder = bench.collect()
    bench.give(responder.respond(range(30)))
    return bench


def opened() -> Bench:
    bench = Bench()
    bench.open()
    return bench


def paired() -> Bench:
    bench = Bench()
    bench.pair()
    return bench


def frozen() -> Bench:
    bench = paired()
    bench.device.send(TEXT, b"unheard", bench.now)
    bench.pass_time(60_000)
    return bench


def forgetful() -> Bench:
    bench = paired()
    bench.restart()
    bench.connect()
    return bench


def resuming() -> Bench:
    bench = paired()
    bench.give(Renewer(HUB, b"n" * 16, b"t" * 32).hello)
    return bench


STATES = (fresh, requested, broadcasting, tagging, acknowledged, opened, paired, frozen, forgetful, resuming)


def fingerprint(bench: Bench) -> tuple[Any, ...]:
    """Everything that a frame could change, but for the counters."""
    device = bench.device
    negotiation = device._pairing.negotiation
    own = (
        ()
        if negotiation is None
        else [vars(negotiation).get(name) for name in ("state", "transcript", "deadline", "keys")] + [len(negotiation.answers)]
    )
    keys = [(key.epoch, key.store, key.committed, key.mark) for key in device.keyring.entries]
    chains = [
        (key.session.sender.chain, key.session.receiver.chain, key.session.messages, key.session.sender.text)
        for key in device.keyring.entries
        if key.session is not None
    ]
    peers = [(peer.state, peer.deadline, [message.number for message in peer.queue]) for peer in device.peers.values()]
    return own, keys, chains, peers, device.state, device.deadline, len(bench.port.saved), len(bench.port.events)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
def test_a_frame_out_of_place_changes_nothing(state: Callable[[], Bench], kind: int) -> None:
    bench = state()
    bench.device.connected(247)
    bench.device.subscribed(bench.now)
    bench.sent()
    before, counted = fingerprint(bench), sum(bench.device.counters.values())
    length = {7: 0, 8: 1, 0x11: 16, 0x20: 32, 0x21: 97, 0x22: 72}.get(kind, 40)
    head = frames.encode_head(kind, bytes(length))
    assert bench.give(head + bytes(16 if kind in frames.WITH_MAC else 0)) == []
    assert fingerprint(bench) == before
    assert sum(bench.device.counters.values()) == counted + 1


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(STATES), st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 3), st.binary(max_size=120), st.binary(max_size=16)
)
def test_garbage_is_counted_and_raises_nothing(
    state: Callable[[], Bench], kind: int, retran: int, seq: int, message: bytes, tail: bytes
) -> None:
    bench = state()
    before, counted = len(bench.port.saved), sum(bench.device.counters.values())
    tail = (tail + bytes(16))[:16] if kind in frames.WITH_MAC else b""
    bench.give(frames.encode_head(kind, message, retran, seq) + tail)
    assert len(bench.port.saved) == before
    ended = bench.events("pairing_failed") or bench.device.broadcasting or kind == frames.R0
    assert sum(bench.device.counters.values()) == counted + 1 or ended or state is fresh


@given(st.binary(max_size=60))
def test_raw_fragments_raise_nothing(fragment: bytes) -> None:
    bench = requested()
    bench.device.received(fragment, bench.now)
    assert bench.port.saved == [bench.port.saved[0]]


def test_each_table_names_a_handler_that_exists() -> None:
    running, device = requested().device._pairing.negotiation, opened().device
    for table, machine in ((tables.NEGOTIATION, running), (tables.PEER, device.peers[HUB])):
        assert all(callable(getattr(machine, "_" + name)) for name in table.values())

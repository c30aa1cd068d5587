"""What is on disk: its versions, what is in it, and what is refused (protocol.md 7)."""

import copy
import json
from pathlib import Path
import random
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol import limits, snapshot
from custom_components.self_secure.protocol.errors import SnapshotError, SnapshotVersionError
from custom_components.self_secure.protocol.events import EpochStarted, MessageDelivered, MessageType, PairingRecord, Verdict
from custom_components.self_secure.protocol.keys import StoreKey
from custom_components.self_secure.protocol.packets import FrameType
from custom_components.self_secure.protocol.session import INTERNAL, Outgoing
from custom_components.self_secure.protocol.snapshot import DeviceState, Pairing

from .bench import IDENTITY, Bench, Store
from .frozen import freeze
from .renewal import Renewing

SAMPLES = sorted((Path(__file__).parent / "samples").glob("snapshot_*.json"))


def sample() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(SAMPLES[0].read_text(encoding="utf-8"))
    return data


# --- old samples


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_of_each_version_is_read(path: Path) -> None:
    state = snapshot.decode(json.loads(path.read_text(encoding="utf-8")))
    assert state.identity == IDENTITY
    assert [pairing.number for pairing in state.pairings] == [2, 1]
    assert [(pairing.committed, pairing.record.verified, sorted(pairing.keys)) for pairing in state.pairings] == [
        (False, False, [0]),
        (True, True, [1]),
    ]
    assert state.pairing(1).mark == 1 << 32 | 7
    assert [(message.handle, message.type, message.id) for message in state.queue] == [
        (INTERNAL, MessageType.VERIFIED, 1),
        (2, MessageType.BYTES, None),
        (3, MessageType.TEXT, None),
    ]
    assert len(state.kids) == 1


def test_there_is_a_sample_of_the_present_version() -> None:
    assert [path.stem for path in SAMPLES] == [f"snapshot_{number}" for number in range(1, snapshot.VERSION + 1)]


def test_a_restored_hub_goes_on_with_it() -> None:
    """It has no chain, it connects whatever the beacon says, and new handles do not repeat those of the queue."""
    store = Store()
    store.snapshot = sample()
    bench = Bench(store=store)
    assert (bench.hub.connection.paired, bench.hub.connection.epoch, bench.hub.connection.queued) == (True, None, 3)
    assert bench.hub.connection.wants_link
    assert bench.connect()[0] == FrameType.R0
    assert bench.hub.connection.send(MessageType.TEXT, b"", 0) == 4
    assert bench.told(EpochStarted) == bench.told(MessageDelivered) == []


# --- round trip


@st.composite
def states(draw: st.DrawFn) -> DeviceState:
    numbers = sorted(draw(st.sets(st.integers(1, 2**32 - 1), min_size=1, max_size=3)), reverse=True)
    messages = draw(st.lists(st.tuples(st.sampled_from(list(MessageType)), st.binary(max_size=20), st.none() | st.integers(0, 2**64 - 1))))
    queue = [Outgoing(position, *message) for position, message in enumerate(messages, 1)]
    for message in queue:
        message.handle *= message.type is not MessageType.VERIFIED
    return DeviceState(
        draw(st.binary(min_size=16, max_size=16)),
        [draw(pairings(number)) for number in numbers],
        queue,
        draw(st.lists(st.binary(min_size=4, max_size=4), max_size=8)),
    )


@st.composite
def pairings(draw: st.DrawFn, number: int) -> Pairing:
    record = PairingRecord(draw(st.sampled_from([0x01, 0x11])), draw(st.booleans()), 200, 0.25, 64.5, 20, 3, 2)
    epochs = draw(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=2))
    keys = {epoch: StoreKey(draw(st.binary(min_size=32, max_size=32))) for epoch in sorted(epochs)}
    return Pairing(number, record, draw(st.booleans()), draw(st.integers(0, 2**64 - 1)), keys)


@given(states())
def test_encode_and_decode_are_inverse_through_json(state: DeviceState) -> None:
    assert freeze(snapshot.decode(json.loads(json.dumps(snapshot.encode(state))))) == freeze(state)


def test_a_snapshot_is_a_copy() -> None:
    state = snapshot.decode(sample())
    taken = snapshot.encode(state)
    before = copy.deepcopy(taken)
    state.queue.clear()
    state.pairings[0].keys.clear()
    state.kids.append(b"abcd")
    assert taken == before


# --- what is in it


def test_no_chain_root_or_pending_key_is_in_a_snapshot() -> None:
    """After each step: nothing but SK_e of what the device and the user let in."""
    bench = Bench()
    bench.reach(5)
    assert bench.store.writes == 0
    root = bench.device.machine.root
    bench.call("answer", Verdict.SAME)
    text = json.dumps(bench.store.snapshot)
    session = bench.hub.connection._messaging.memory.session  # type: ignore[union-attr]  # it is paired
    assert session is not None
    assert root is not None
    secrets = [root, session.sending.chain.raw, session.receiving.chain.raw]
    assert [secret.hex() in text for secret in secrets] == [False] * 3


def test_a_delivered_body_leaves_the_disk_at_once() -> None:
    talking = Renewing.paired(random.Random(1))
    talking.bench.call("send", MessageType.TEXT, b"secret body")
    assert b"secret body".hex() in json.dumps(talking.bench.store.snapshot)
    talking.acknowledge()
    assert b"secret body".hex() not in json.dumps(talking.bench.store.snapshot)


def test_repr_shows_no_key_and_no_body() -> None:
    state = snapshot.decode(sample())
    shown = repr(state)
    assert all(pairing.keys[epoch].raw.hex() not in shown for pairing in state.pairings for epoch in pairing.keys)
    assert "waits" not in shown


# --- what is refused


@pytest.mark.parametrize("version", [snapshot.VERSION + 1, 99])
def test_a_newer_version_is_told_apart(version: int) -> None:
    with pytest.raises(SnapshotVersionError, match=str(version)):
        snapshot.decode({**sample(), "version": version})


@pytest.mark.parametrize("version", [0, -1, None, "1", 1.5])
def test_no_version(version: object) -> None:
    with pytest.raises(SnapshotError):
        snapshot.decode({**sample(), "version": version})


@pytest.mark.parametrize("name", ["identity", "pairings", "queue", "kids", "version"])
def test_a_missing_part(name: str) -> None:
    data = sample()
    del data[name]
    with pytest.raises(SnapshotError):
        snapshot.decode(data)


DAMAGED: list[tuple[tuple[str | int, ...], object]] = [
    (("identity",), "00" * 15),
    (("identity",), "zz" * 16),
    (("identity",), 5),
    (("pairings",), []),
    (("pairings",), None),
    (("pairings", 0, "number"), 1),
    (("pairings", 0, "number"), "2"),
    (("pairings", 0, "number"), 2.0),
    (("pairings", 0, "number"), True),
    (("pairings", 0, "number"), 2**32),
    (("pairings", 0, "number"), -1),
    (("pairings", 0, "committed"), 2),
    (("pairings", 0, "mark"), 2**64),
    (("pairings", 0, "mark"), None),
    (("pairings", 0, "keys"), {}),
    (("pairings", 0, "keys"), {"0": "00" * 31}),
    (("pairings", 0, "keys"), {"x": "00" * 32}),
    (("pairings", 0, "keys"), {str(2**32): "00" * 32}),
    (("pairings", 0, "keys"), []),
    (("pairings", 0, "record", "suite"), 0x77),
    (("pairings", 0, "record", "unknown"), 1),
    (("queue", 0, "type"), 256),
    (("queue", 0, "type"), "TEXT"),
    (("queue", 0, "id"), 2**64),
    (("queue", 0, "id"), "1"),
    (("queue", 0, "body"), "0"),
    (("queue", 0, "body"), "00" * (limits.BODY_MAX + 1)),
    (("kids",), ["00" * 5]),
    (("kids",), 5),
]


@pytest.mark.parametrize(("path", "value"), DAMAGED)
def test_damaged(path: tuple[str | int, ...], value: object) -> None:
    data = sample()
    place: Any = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(SnapshotError, match="damaged"):
        snapshot.decode(data)


def test_a_damaged_snapshot_makes_no_connection() -> None:
    store = Store()
    store.snapshot = {**sample(), "identity": ""}
    with pytest.raises(SnapshotError):
        Bench(store=store)

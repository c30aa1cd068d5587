"""Messages in both directions: stop and wait, lost acknowledgements, limits, at most once (protocol.md 6)."""

from typing import Any

import pytest

from self_secure_device import frames, keyring, limits
from self_secure_device.errors import DeviceError
from self_secure_device.peer import Peer
from tests.device.bench import TEXT, Bench
from tests.device.responder import HubSession

READINGS, BYTES, EVENT = 1, 3, 4


def paired() -> tuple[Bench, HubSession]:
    bench = Bench()
    return bench, bench.pair()


def say(bench: Bench, body: bytes = b"hi", kind: int = TEXT) -> list[bytes]:
    bench.device.send(kind, body, bench.now)
    return bench.sent()


def test_messages_go_one_after_the_other() -> None:
    bench, hub = paired()
    [first] = say(bench, b"a")
    assert say(bench, b"b") == []
    kind, number, body, dack = bench.accept(hub, first)
    assert (kind, number, body) == (TEXT, 2, b"a")
    [second] = bench.give(dack)
    assert bench.take(hub, second) == (TEXT, 3, b"b")
    assert bench.events("delivered") == [1, 2, 3]
    assert bench.device.state == 1


def test_a_lost_data_is_sent_again_as_another_attempt() -> None:
    bench, hub = paired()
    [first] = say(bench)
    again = bench.pass_time(500)
    assert frames.decode(first).retran == 0
    assert frames.decode(again[0]).retran == 1
    assert frames.decode(again[0]).message != frames.decode(first).message
    assert bench.take(hub, again[0])[2] == b"hi"


def test_a_lost_dack_does_not_split_the_chains() -> None:
    bench, hub = paired()
    [first] = say(bench)
    _, _, _, dack = bench.accept(hub, first)
    [again] = bench.pass_time(500)
    assert hub.receiver.repeated(frames.decode(again)) == dack
    bench.give(dack)
    assert bench.events("delivered") == [1, 2]
    [later] = say(bench, b"later")
    assert bench.take(hub, later)[2] == b"later"


def test_the_device_answers_a_repeat_with_the_stored_dack() -> None:
    bench, hub = paired()
    hub.sender.load(b"\x02" + (2).to_bytes(8) + b"hello")
    first, second = hub.sender.attempt(b"1" * 16, 0), hub.sender.attempt(b"2" * 16, 0)
    [dack] = bench.give(first)
    assert bench.give(second) == [dack]
    assert bench.give(first) == [dack]
    assert bench.events("text") == ["hello"]
    assert hub.sender.acknowledge(frames.decode(dack)) == 0


def test_after_six_attempts_the_chain_is_frozen_and_the_message_stays() -> None:
    bench, _ = paired()
    [first] = say(bench)
    again = bench.pass_time(60_000)
    assert [frames.decode(frame).retran for frame in [first, *again]] == [0, 1, 2, 3, 4, 5]
    assert bench.events("undelivered") == [2]
    assert bench.device.state == 3
    assert len(bench.device.peer.queue) == 1


def test_attempt_numbers_go_on_over_reconnects() -> None:
    bench, hub = paired()
    [first] = say(bench)
    seen = [first]
    for _ in range(5):
        bench.disconnect()
        seen += bench.connect()
    assert [frames.decode(frame).retran for frame in seen] == [0, 1, 2, 3, 4, 5]
    assert len({frame[8:] for frame in seen}) == 6
    bench.disconnect()
    assert bench.connect() == []
    assert bench.device.state == 3
    _, _, _, dack = bench.accept(hub, seen[2])
    bench.give(dack)
    assert bench.device.state == 1


def test_a_dropped_connection_continues_the_chain() -> None:
    bench, hub = paired()
    bench.disconnect()
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    assert bench.device.state == 2
    [data] = bench.connect()
    assert bench.take(hub, data) == (READINGS, 2, b"\x01\x50")
    bench.tell(hub, TEXT, 2, b"still here")
    assert bench.events("text") == ["still here"]


@pytest.mark.parametrize(("kind", "body", "event", "value"), [(2, b"a\xc3\xa4", "text", "aä"), (3, b"\x00\xff", "bytes", b"\x00\xff")])
def test_delivers(kind: int, body: bytes, event: str, value: Any) -> None:
    bench, hub = paired()
    assert len(bench.tell(hub, kind, 2, body)) == 1
    assert bench.events(event) == [value]


@pytest.mark.parametrize(("kind", "body"), [(0, b""), (7, b"relay"), (8, b""), (99, b"new"), (2, b"\xff")])
def test_acknowledges_and_ignores_what_it_does_not_know(kind: int, body: bytes) -> None:
    bench, hub = paired()
    [dack] = bench.tell(hub, kind, 2, body)
    hub.sender.acknowledge(frames.decode(dack))
    assert bench.events("text") == bench.events("bytes") == []


def test_acts_at_most_once_on_an_id() -> None:
    bench, hub = paired()
    for number in (5, 5, 4, 6):
        [dack] = bench.tell(hub, TEXT, number, b"%d" % number)
        hub.sender.acknowledge(frames.decode(dack))
    assert bench.events("text") == ["5", "6"]


def test_the_mark_is_on_disk_before_the_message_counts() -> None:
    bench, hub = paired()
    bench.port.broken = True
    assert bench.tell(hub, TEXT, 2, b"lost?") == []
    assert bench.events("text") == []
    bench.port.broken = False
    [dack] = bench.give(hub.sender.attempt(b"R" * 16, 0))
    hub.sender.acknowledge(frames.decode(dack))
    assert bench.events("text") == ["lost?"]
    assert keyring.decode(bench.port.saved[-1])[1][0].mark == 2


def test_a_pad_masks_one_random_although_writes_failed_in_between() -> None:
    bench, hub = paired()
    hub.sender.load(b"\x02" + bytes(7) + b"\x02text")
    first, second = (frames.decode(hub.sender.attempt(b"R" * 16, 0)) for _ in range(2))
    receiver = bench.device.peer.session.receiver
    dacks = [receiver.open(data, rand_b).dack for data, rand_b in ((first, b"A" * 16), (second, b"B" * 16), (first, b"C" * 16))]
    assert dacks[0] == dacks[2]
    assert dacks[0] != dacks[1]


def test_the_next_message_has_another_random() -> None:
    bench, hub = paired()
    receiver = bench.device.peer.session.receiver
    for number in (2, 3):
        hub.sender.load(b"\x02" + number.to_bytes(8) + b"text")
        accepted = receiver.open(frames.decode(hub.sender.attempt(b"R" * 16, 0)), bytes([number]) * 16)
        receiver.commit(accepted)
        hub.sender.acknowledge(frames.decode(accepted.dack))
        assert receiver._rand_b is None
    assert receiver.chain == hub.sender.chain


def test_a_queue_of_eight() -> None:
    bench, _ = paired()
    bench.disconnect()
    for number in range(limits.MAX_QUEUE):
        bench.device.send(TEXT, b"%d" % number, bench.now)
    with pytest.raises(DeviceError, match="queue full"):
        bench.device.send(TEXT, b"9", bench.now)


def test_readings_replace_those_never_sent() -> None:
    bench, hub = paired()
    [outstanding] = say(bench, b"\x01\x01", READINGS)
    say(bench, b"\x3a\x01", EVENT)
    say(bench, b"\x01\x02", READINGS)
    say(bench, b"\x01\x03", READINGS)
    seen = []
    data: list[bytes] = [outstanding]
    while data:
        kind, _, body, dack = bench.accept(hub, data[0])
        seen.append((kind, body))
        data = bench.give(dack)
    assert seen == [(READINGS, b"\x01\x01"), (EVENT, b"\x3a\x01"), (READINGS, b"\x01\x03")]


def test_the_longest_body_and_one_more() -> None:
    bench, hub = paired()
    [data] = say(bench, bytes(975), BYTES)
    assert len(data) == 1024
    assert len(bench.take(hub, data)[2]) == 975
    with pytest.raises(DeviceError, match="too long"):
        say(bench, bytes(976), BYTES)


def test_no_data_after_64_messages() -> None:
    bench, hub = paired()
    for number in range(2, 63):
        [dack] = bench.tell(hub, TEXT, number, b"")
        hub.sender.acknowledge(frames.decode(dack))
    [last] = say(bench, b"63 so far")
    bench.take(hub, last)
    assert say(bench, b"65th") == []
    assert bench.device.state == 2
    [dack] = bench.tell(hub, TEXT, 100, b"the hub may still speak")
    assert frames.decode(dack).kind == frames.DACK


@pytest.mark.parametrize("position", [0, 1, 7, 8, 20, 40, -1])
def test_any_flipped_bit_is_silence(position: int) -> None:
    bench, hub = paired()
    hub.sender.load(b"\x02" + (2).to_bytes(8) + b"hello there, device")
    data = bytearray(hub.sender.attempt(b"1" * 16, 0))
    data[position] ^= 0x01
    assert bench.give(bytes(data)) == []
    assert bench.events("text") == []
    assert sum(bench.device.counters.values()) == 1


def test_a_data_too_short_for_its_fields_is_malformed() -> None:
    bench, _ = paired()
    assert bench.give(frames.encode_head(frames.DATA, bytes(24)) + bytes(16)) == []
    assert bench.device.counters == {"malformed": 1}


@pytest.mark.parametrize("change", [{"retran": 1}, {"seq": 0}, {"seq": 2}, {"message": bytes(15)}])
def test_only_an_acknowledgement_of_a_kept_attempt_counts(change: dict[str, Any]) -> None:
    bench, _ = paired()
    say(bench)
    fields = {"seq": 1, "retran": 0, "message": bytes(16)} | change
    bench.give(frames.encode_head(frames.DACK, **fields) + bytes(16))
    assert bench.device.counters == {"wrong MAC": 1}


def test_no_key_encrypts_two_texts() -> None:
    bench, _ = paired()
    session = bench.device.peer.session
    session.sender.load(b"\x02" + bytes(8) + b"same")
    sealed = [frames.decode(session.sender.attempt(b"R" * 16, 0)).message for _ in range(6)]
    assert len(set(sealed)) == 6
    with pytest.raises(DeviceError):
        session.sender.attempt(b"R" * 16, 0)


def test_unpaired_is_an_error() -> None:
    with pytest.raises(DeviceError, match="not paired"):
        Bench().device.send(TEXT, b"hello", 0)


@pytest.mark.parametrize(
    ("samples", "timeout"), [([], 2000), ([100], 500), ([400], 1200), ([400] * 50, 500), ([5000], 8000), ([1000, 3000, 1000], 4090)]
)
def test_retransmission_timeout(samples: list[int], timeout: int) -> None:
    peer = Peer(b"", None)
    for sample in samples:
        peer._sample(sample)
    assert peer._timeout() == timeout

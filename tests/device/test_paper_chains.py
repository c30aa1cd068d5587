"""Suite `paper`: messages in both directions, what repeats, what freezes, and the W-round keys (protocol.md 8)."""

from typing import Any

import pytest

from self_secure_device import frames, keyring
from self_secure_device.crypto import hmac, sha256, xor
from self_secure_device.errors import DeviceError
from self_secure_device.paper import formulas, packets
from tests.device.bench import TEXT
from tests.device.paper_bench import PaperBench, decode
from tests.device.paper_hub import PaperHubSession

BYTES = 3


def paired() -> tuple[PaperBench, PaperHubSession]:
    bench = PaperBench()
    return bench, bench.paired()


def send(bench: PaperBench, body: bytes = b"hi", kind: int = TEXT) -> list[bytes]:
    bench.device.send(kind, body, bench.now)
    return bench.sent()


def talk(bench: PaperBench, session: PaperHubSession, count: int, first: int = 2) -> None:
    """Send `count` messages of the hub, and take as many of the device."""
    for number in range(first, first + count):
        [dack] = bench.say(session, TEXT, number, b"%d" % number)
        bench.hear(session, dack)
        [data] = send(bench)
        bench.fetch(session, data)


def test_messages_both_ways() -> None:
    bench, hub = paired()
    [first] = send(bench, b"a")
    assert send(bench, b"b") == []
    kind, number, body, dack = bench.read(hub, first)
    assert (kind, number, body) == (TEXT, 2, b"a")
    [second] = bench.give(dack)
    assert bench.fetch(hub, second) == (TEXT, 3, b"b")
    talk(bench, hub, 5)
    assert bench.events("text") == ["2", "3", "4", "5", "6"]
    assert bench.events("delivered") == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_dropped_connection_continues_the_chain() -> None:
    bench, hub = paired()
    bench.disconnect()
    bench.device.send(TEXT, b"waiting", bench.now)
    assert bench.device.state == 2
    [data] = bench.connect()
    assert bench.fetch(hub, data) == (TEXT, 2, b"waiting")


def test_a_packet_is_one_clear_byte_p_c_and_the_hmac() -> None:
    bench, hub = paired()
    mac_key, key, _ = formulas.split(hub.receiver.chain)
    [data] = send(bench, b"hello")
    assert (data[0], len(data)) == (0x90, 1 + 32 + 64 + 32)  # header, Rand, type, id and five bytes fill four blocks
    padded = formulas.decrypt(key, data[1:-32])
    assert data[-32:] == hmac(mac_key, padded)
    assert formulas.unpad(padded)[:8] == b"\x10\x00\x00\x0e\x00\x00\x00\x01"


def test_a_retransmission_is_another_packet_and_goes_into_the_next_key() -> None:
    bench, hub = paired()
    before = hub.receiver.chain
    [first] = send(bench)
    [again] = bench.pass_time(500)
    assert first != again
    accepted = hub.receiver.open(decode(again), bytes(48))
    hub.receiver.commit(accepted)
    message = accepted.text
    folded = xor(before, message + bytes(32 - len(message)))
    [rand] = [rand for rand, _, _ in bench.device.peer.session.sender._attempts[1:2]]
    assert hub.receiver.chain == sha256(xor(xor(folded, rand), (1).to_bytes(32)))
    bench.give(accepted.dack)
    assert bench.device.peer.session.sender.chain == hub.receiver.chain


def test_a_late_acknowledgement_names_its_attempt() -> None:
    bench, hub = paired()
    [first] = send(bench)
    bench.pass_time(500)
    _, _, _, dack = bench.read(hub, first)
    bench.give(dack)
    assert bench.device.peer.session.sender.chain == hub.receiver.chain
    [later] = send(bench, b"later")
    assert bench.fetch(hub, later)[2] == b"later"


def test_a_lost_dack_does_not_split_the_chains() -> None:
    bench, hub = paired()
    [first] = send(bench)
    _, _, _, dack = bench.read(hub, first)
    [again] = bench.pass_time(500)
    assert hub.receiver.repeated(decode(again)) == dack
    bench.give(dack)
    [later] = send(bench, b"later")
    assert bench.fetch(hub, later)[2] == b"later"


def test_the_device_answers_every_repeat_with_the_stored_acknowledgement() -> None:
    bench, hub = paired()
    [dack] = bench.say(hub, TEXT, 2, b"hello")
    assert bench.repeat(hub) == [dack]
    assert bench.repeat(hub) == [dack]
    assert bench.events("text") == ["hello"]
    bench.hear(hub, dack)
    assert hub.sender.chain == bench.device.peer.session.receiver.chain


def test_an_attempt_of_two_messages_ago_is_silence() -> None:
    bench, hub = paired()
    hub.sender.load(b"\x02" + (2).to_bytes(8) + b"old")
    old = hub.sender.attempt(bytes(64), 0)
    [dack] = bench.give(old)
    bench.hear(hub, dack)
    [dack] = bench.say(hub, TEXT, 3, b"new")
    bench.hear(hub, dack)
    assert bench.give(old) == []
    assert bench.device.counters == {"wrong MAC": 1}


@pytest.mark.parametrize("position", [0, 1, 32, 33, 60, -33, -32, -1])
def test_any_flipped_bit_is_silence(position: int) -> None:
    bench, hub = paired()
    hub.sender.load(b"\x02" + (2).to_bytes(8) + b"hello there, device")
    data = bytearray(hub.sender.attempt(bytes(64), 0))
    data[position] ^= 0x01
    assert bench.give(bytes(data)) == []
    assert bench.events("text") == []
    assert sum(bench.device.counters.values()) == 1
    assert len(bench.give(hub.sender.attempt(b"b" * 64, 0))) == 1


@pytest.mark.parametrize("length", [1, 32, 33, 64, 96, 112])
def test_a_cut_data_is_malformed(length: int) -> None:
    bench, hub = paired()
    hub.sender.load(b"\x02" + (2).to_bytes(8) + b"hello")
    bench.give(hub.sender.attempt(bytes(64), 0)[:length])
    assert bench.device.counters == {"malformed": 1}


def forged(hub: PaperHubSession, text: bytes, seq: int) -> bytes:
    """A packet of a hub that has the key and errs."""
    mac_key, key, _ = formulas.split(hub.sender.chain)
    padded = packets.pad(frames.DATA, text, bytes(32), bytes(32), 0, seq)
    return bytes(packets.encode(frames.DATA, formulas.encrypt(key, padded), formulas.data_tag(mac_key, padded)))


@pytest.mark.parametrize(("text", "seq"), [(bytes(9), 0), (bytes(9), 2), (bytes(8), 1)])
def test_only_the_expected_seq_and_a_whole_message_count(text: bytes, seq: int) -> None:
    bench, hub = paired()
    assert bench.give(forged(hub, text, seq)) == []
    assert bench.device.counters == {"malformed": 1}
    assert len(bench.give(forged(hub, b"\x02" + (9).to_bytes(8), 1))) == 1


def acknowledgement(ack: bytes, seq: int) -> bytes:
    return bytes(packets.hashed(frames.DACK, ack, bytes(48), 0, seq))


@pytest.mark.parametrize(("seq", "length"), [(1, 32), (0, 32), (2, 31), (2, 33), (3, 32)])
def test_a_wrong_acknowledgement_is_dropped(seq: int, length: int) -> None:
    bench, hub = paired()
    [first] = send(bench)
    ack = (bytes(bench.device.peer.session.sender._attempts[0][1]) + b"more")[:length]
    flipped = bytes([ack[0] ^ (seq >= 2)]) + ack[1:]
    bench.give(acknowledgement(flipped, seq))
    assert bench.device.counters == {"wrong MAC": 1}
    assert bench.device.state == 2
    bench.fetch(hub, first)


def test_a_dack_with_a_wrong_hash_is_dropped() -> None:
    bench, hub = paired()
    [first] = send(bench)
    _, _, _, dack = bench.read(hub, first)
    bench.give(dack[:-1] + bytes([dack[-1] ^ 1]))
    assert bench.device.counters == {"wrong MAC": 1}


def test_an_acknowledgement_that_would_jump_freezes_the_chain() -> None:
    bench, hub = paired()
    [first] = send(bench)
    ack = decode(bench.read(hub, first)[3]).message
    assert bench.give(acknowledgement(ack, 3)) == []
    assert bench.device.peer.session.sender.seq == 1
    assert bench.events("undelivered") == [2]
    assert bench.device.state == 3
    assert bench.pass_time(60_000) == []
    session = bench.renew(hub.store)
    assert bench.fetch(session, bench.after[0])[2] == b"hi"
    assert bench.device.state == 1


def test_after_six_attempts_the_chain_is_frozen() -> None:
    bench, _ = paired()
    seen = send(bench) + bench.pass_time(60_000)
    assert len(set(seen)) == 6
    assert bench.device.state == 3


@pytest.mark.parametrize(("extra", "length"), [(0, 1024), (-16, 1008)])
def test_the_longest_body(extra: int, length: int) -> None:
    bench, hub = paired()
    [data] = send(bench, bytes(895 + extra), BYTES)
    assert length - 16 < len(data) <= length
    assert len(bench.fetch(hub, data)[2]) == 895 + extra


def test_one_byte_more_than_the_longest_body() -> None:
    bench, _ = paired()
    with pytest.raises(DeviceError, match="at most 895 bytes"):
        send(bench, bytes(896), BYTES)


def test_the_mark_is_on_disk_before_the_message_counts() -> None:
    bench, hub = paired()
    bench.port.broken = True
    assert bench.say(hub, TEXT, 2, b"lost?") == []
    bench.port.broken = False
    [dack] = bench.repeat(hub)
    bench.hear(hub, dack)
    assert bench.events("text") == ["lost?"]
    assert keyring.decode(bench.port.saved[-1])[1][0].mark == 2


def test_the_last_messages_stay_in_memory_for_diagnostics_and_never_reach_the_disk() -> None:
    bench, hub = paired()
    talk(bench, hub, 6)
    session = bench.device.peer.session
    assert [seq for seq, _ in session.receiver.recent] == [3, 4, 5, 6]
    assert [text[9:] for _, text in session.receiver.recent] == [b"4", b"5", b"6", b"7"]
    assert [seq for seq, _ in session.sender.recent] == [3, 4, 5, 6]
    assert all(text not in b"".join(bench.port.saved) for _, text in session.receiver.recent)


def test_a_repeated_number_is_acknowledged_and_dropped() -> None:
    bench, hub = paired()
    for number in (5, 5, 4, 6):
        [dack] = bench.say(hub, TEXT, number, b"%d" % number)
        bench.hear(hub, dack)
    assert bench.events("text") == ["5", "6"]


@pytest.mark.parametrize(("kind", "event", "value"), [(2, "text", "aä"), (3, "bytes", b"a\xc3\xa4"), (99, "text", None)])
def test_delivers(kind: int, event: str, value: Any) -> None:
    bench, hub = paired()
    assert len(bench.say(hub, kind, 2, b"a\xc3\xa4")) == 1
    assert [*bench.events(event), None][0] == value

"""Suite `paper`: REQ to END, its failures and what it never mixes with (protocol.md 8)."""

import pytest

from self_secure_device import frames, keyring, sets
from self_secure_device.crypto import sha256
from self_secure_device.paper import formulas, packets
from tests.device.bench import HUB, IDENTITY, VERIFIED
from tests.device.paper_bench import PaperBench
from tests.device.paper_hub import RAND, SEED, PaperResponder, first_session


def hashed(kind: int, message: bytes, **fields: int) -> bytes:
    return bytes(packets.hashed(kind, message, RAND + SEED, **fields))


def test_pairs_without_a_code_and_commits_at_the_hubs_first_frame() -> None:
    bench = PaperBench()
    bench.paired()
    assert bench.events("code") == []
    assert bench.events("paired") == [None]
    assert bench.events("verified") == [True]
    assert bench.device.state == 1


def test_the_request_is_the_identity_in_oaep_with_its_hash() -> None:
    bench = PaperBench()
    [request] = bench.connect()
    hub = PaperResponder(HUB)
    assert request[0] == 0x80
    assert len(request) == 1 + 32 + 48 + 32
    bench.give(hub.accept(request))
    assert hub.device == IDENTITY
    assert bench.device.next_random()[8] == sha256(IDENTITY)[0]


def test_every_random_message_is_another() -> None:
    hub = PaperBench().negotiate(count=200)
    assert len(set(hub.random.values())) == 200
    assert set(hub.random.values()).isdisjoint(PaperBench(seed=2).negotiate().random.values())


def test_the_key_is_on_disk_uncommitted_when_end_has_verified() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    before = len(bench.port.saved)
    bench.give(hub.confirm(ack))
    _, [key], _ = keyring.decode(bench.port.saved[-1])
    assert len(bench.port.saved) == before + 1
    assert (key.identity, key.committed, key.suite.name) == (HUB, False, "paper")
    assert key.store == first_session(hub.initial).store
    assert bench.device.state == 0


def test_neither_k_0_nor_a_random_message_is_ever_written() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    bench.give(hub.confirm(ack))
    written = b"".join(bench.port.saved)
    assert all(secret not in written for secret in (hub.initial, hub.derived, *hub.random.values()))


def test_secrets_are_wiped_at_end() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    negotiation = bench.device._pairing.negotiation
    [ack] = bench.give(hub.respond(range(30)))
    assert negotiation.request._seed is not None
    bench.give(hub.confirm(ack))
    assert (negotiation.request._seed, negotiation.keys, negotiation.root) == (None, None, None)


def test_a_failed_write_ends_the_negotiation() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    bench.port.broken = True
    bench.give(hub.confirm(ack))
    assert bench.events("pairing_failed") == ["cannot store: disk full"]
    assert bench.device.keyring.entries == []


def test_no_data_before_the_hubs_first_frame() -> None:
    bench = PaperBench()
    session = bench.settle()
    assert bench.pass_time(60_000) == []
    assert len(bench.say(session, VERIFIED, 1, b"\x01")) == 2


def test_a_wrong_response_mac_fails_at_once() -> None:
    bench = PaperBench()
    response = bench.negotiate().respond(range(30))
    assert bench.give(response[:-1] + bytes([response[-1] ^ 1])) == []
    assert bench.events("pairing_failed") == ["wrong MAC"]


def test_a_set_with_a_forged_message_fails_at_once() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    hub.random[5] = b"forged packet of Eve"
    assert bench.give(hub.respond(range(30))) == []
    assert bench.events("pairing_failed") == ["wrong MAC"]


def test_blacklisted_numbers_are_simply_not_in_the_set() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond([seq for seq in range(60) if seq not in {0, 5, 6, 59}]))
    hub.confirm(ack)


@pytest.mark.parametrize(("count", "failures"), [(20, []), (19, ["too few packets"]), (0, ["too few packets"])])
def test_the_set_at_its_minimum_and_less(count: int, failures: list[str]) -> None:
    bench = PaperBench()
    bench.give(bench.negotiate().respond(range(count)))
    assert bench.events("pairing_failed") == failures


@pytest.mark.parametrize(
    "coded",
    [
        sets.encode_deltas([*range(30), 2048]),  # N_max
        sets.encode_deltas([*range(30)]) + b"\x80",  # ends within a number
        sets.encode_deltas([*range(30)]) + b"\x00",  # does not rise
        sets.encode_deltas([*range(30)]) + b"\x01",  # falls
        sets.encode(list(range(30))),  # with encoder and count
    ],
)
def test_malformed_sets_are_dropped(coded: bytes) -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    assert bench.give(hub.respond_coded(coded, range(30))) == []
    assert bench.device.counters == {"malformed": 1}
    assert len(bench.give(hub.respond(range(30)))) == 1


def test_the_largest_set_fills_a_packet() -> None:
    numbers = [seq for seq in range(2048) if seq % 2 == 0][:936]
    bench = PaperBench()
    hub = bench.negotiate(count=2048)
    response = hub.respond(numbers)
    assert len(response) == 1 + 32 + 960 + 16
    [ack] = bench.give(response)
    hub.confirm(ack)


@pytest.mark.parametrize("identity", [b"6bytes", HUB])
def test_an_address_or_an_identity_accepts(identity: bytes) -> None:
    bench = PaperBench()
    bench.settle(identity)
    assert bench.device.keyring.entries[0].identity == (identity + bytes(16))[:16]


@pytest.mark.parametrize(
    "accept",
    [
        hashed(frames.ACC, b"5byte"),
        hashed(frames.ACC, bytes(17)),
        hashed(frames.ACC, HUB, retran=1),
        hashed(frames.ACC, HUB, seq=1),
        hashed(frames.END, HUB)[:1] + hashed(frames.ACC, HUB)[1:],  # the clear byte names another phase
        hashed(frames.ACC, HUB)[:-1] + b"?",  # Hash
        hashed(frames.ACC, HUB)[:-1],
        hashed(frames.ACC, HUB)[16:],
        b"\x81" + hashed(frames.ACC, HUB)[-32:],
        hashed(0x0F, HUB),
        hashed(frames.REQ, HUB),
        frames.encode_head(frames.ACC, bytes(72)),  # of another suite
        b"\x81" + frames.encode_head(frames.ACC, bytes(72)),
    ],
)
def test_anything_else_than_accept_is_dropped(accept: bytes) -> None:
    bench = PaperBench()
    bench.connect()
    assert bench.give(accept) == []
    assert not bench.device.broadcasting
    assert sum(bench.device.counters.values()) == 1


def test_padding_has_one_form() -> None:
    bench = PaperBench()
    bench.connect()
    for plain in (frames.encode_head(1, HUB)[:8] + RAND + HUB + b"1", frames.encode_head(1, HUB)[:8] + RAND + HUB + bytes(24)):
        padded = formulas.pad(plain, SEED)
        bench.give(packets.encode(frames.ACC, padded, sha256(padded)))
    assert bench.device.counters == {"malformed": 2}
    assert not bench.device.broadcasting


@pytest.mark.parametrize("clear", [b"", b"\x88"])
def test_nak_ends_with_its_cause(clear: bytes) -> None:
    bench = PaperBench()
    bench.negotiate()
    bench.give(clear + frames.encode_head(frames.NAK, b"\x06"))
    assert bench.events("pairing_failed") == ["refused"]


def test_the_same_request_and_the_same_answers_on_a_new_connection() -> None:
    bench = PaperBench()
    [request] = bench.connect()
    bench.disconnect()
    assert bench.connect() == [request]
    bench.disconnect()
    hub = bench.negotiate()
    response = hub.respond(range(30))
    [ack] = bench.give(response)
    bench.disconnect()
    bench.connect()
    assert bench.give(response) == [ack]


def test_a_lost_end_comes_again_on_a_new_connection() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    end = hub.confirm(ack)
    bench.disconnect()
    bench.connect()
    assert bench.give(end) == []
    assert bench.give(end) == []
    assert len(bench.device.keyring.entries) == 1
    assert len(bench.say(first_session(hub.initial), VERIFIED, 1, b"\x01")) == 2


def test_without_end_the_negotiation_fails_and_a_new_one_pairs() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    bench.pass_time(20_999)
    assert bench.events("pairing_failed") == []
    bench.pass_time(1)
    assert bench.events("pairing_failed") == ["no END"]
    assert bench.give(hub.confirm(ack)) == []
    bench.disconnect()
    bench.paired()


@pytest.mark.parametrize("position", [1, 40, -1])
def test_a_wrong_end_is_dropped(position: int) -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    end = bytearray(hub.confirm(ack))
    end[position] ^= 1
    bench.give(bytes(end))
    assert bench.device.keyring.entries == []
    assert sum(bench.device.counters.values()) == 1
    bench.give(hub.confirm(ack))
    assert len(bench.device.keyring.entries) == 1


def test_an_end_that_carries_a_message_is_dropped() -> None:
    bench = PaperBench()
    hub = bench.negotiate()
    [ack] = bench.give(hub.respond(range(30)))
    end = hub.confirm(ack)
    bench.give(bytes(packets.encode(frames.END, packets.pad(frames.END, b"more", RAND, SEED), end[-32:])))
    assert bench.device.counters == {"wrong MAC": 1}


def test_an_unanswered_pairing_keeps_its_key() -> None:
    bench = PaperBench()
    bench.settle()
    bench.pass_time(660_000)
    assert bench.events("pairing_failed") == ["unconfirmed"]
    assert len(bench.device.keyring.entries) == 1

"""Conflicts, TAGS and the bounds of a set, on the initiator's side (protocol.md 5, rules 1 to 4)."""

import pytest

from self_secure_device import frames, messages, sets
from self_secure_device.crypto import u16
from self_secure_device.errors import FrameError
from tests.device.bench import Bench
from tests.device.responder import Responder

FORGED = b"forged packet of Eve"


def ready(bench: Bench, minimum: int = 20) -> Responder:
    return bench.collect(minimum=minimum)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_names_the_true_candidate(place: int) -> None:
    bench = Bench()
    responder = ready(bench)
    tags = [b"\x00\x01", b"\x00\x02"]
    tags.insert(place, responder.tag_of(7, responder.random[7]))
    [ack] = bench.give(responder.respond([*range(7), *range(8, 30)], {7: tags}))
    end = responder.confirm(ack)
    assert responder.choices == bytes([place])
    assert responder.agreed == list(range(30))
    [opened] = bench.give(end)
    responder.finish(opened)


def test_leaves_out_what_was_never_true() -> None:
    bench = Bench()
    responder = ready(bench)
    [ack] = bench.give(responder.respond(range(30), {40: [b"\x00\x01", b"\x00\x02"]}))
    responder.confirm(ack)
    assert responder.choices == b"\xff"
    assert responder.agreed == list(range(30))


def test_a_packet_that_was_never_broadcast_is_never_true() -> None:
    bench = Bench()
    responder = ready(bench)
    negotiation = bench.device._pairing.negotiation
    future = negotiation.request.tag(negotiation.suite, 100)
    [ack] = bench.give(responder.respond(range(30), {100: [future, b"\x00\x02"]}))
    responder.confirm(ack)
    assert responder.choices == b"\xff"


@pytest.mark.parametrize(("conflicts", "failures"), [(8, []), (9, ["conflicts"])])
def test_conflicts_at_the_cap_and_one_more(conflicts: int, failures: list[str]) -> None:
    bench = Bench()
    responder = ready(bench)
    bench.give(responder.respond(range(30), {seq: [b"\x00\x01", b"\x00\x02"] for seq in range(30, 30 + conflicts)}))
    assert bench.events("pairing_failed") == failures


@pytest.mark.parametrize(("count", "failures"), [(20, []), (19, ["too few packets"])])
def test_the_set_at_its_minimum_and_one_less(count: int, failures: list[str]) -> None:
    bench = Bench()
    responder = ready(bench)
    bench.give(responder.respond(range(count)))
    assert bench.events("pairing_failed") == failures


def test_a_true_candidate_counts_for_the_minimum() -> None:
    bench = Bench()
    responder = ready(bench)
    [ack] = bench.give(responder.respond(range(19), {30: [responder.tag_of(30, responder.random[30]), b"\x00\x02"]}))
    responder.confirm(ack)
    assert responder.agreed == [*range(19), 30]


def test_tags_prune_a_forged_packet() -> None:
    bench = Bench()
    responder = ready(bench)
    responder.random[5] = FORGED
    [asked] = bench.give(responder.respond(range(30)))
    assert frames.decode(asked).kind == frames.TAGS
    [ack] = bench.give(responder.tags(asked))
    end = responder.confirm(ack)
    assert responder.agreed == [*range(5), *range(6, 30)]
    [opened] = bench.give(end)
    responder.finish(opened)
    assert bench.events("code") == [responder.code]


def test_tags_are_asked_page_by_page() -> None:
    bench = Bench()
    responder = Responder(b"H" * 16, b"n" * 16, b"s" * 32, b"r" * 16)
    [request] = bench.connect()
    bench.give(responder.accept(request))
    bench.disconnect()
    bench.broadcast(responder, 1000)
    bench.connect()
    responder.random[901] = FORGED
    response = responder.respond(range(950))
    [asked] = bench.give(response)
    for page in range(3):
        assert frames.decode(asked).seq == page
        [asked] = bench.give(responder.tags(asked))
    responder.confirm(asked)
    assert 901 not in responder.agreed
    assert len(responder.agreed) == 949


def test_a_repeated_response_gets_the_stored_question() -> None:
    bench = Bench()
    responder = ready(bench)
    responder.random[5] = FORGED
    response = responder.respond(range(30))
    [asked] = bench.give(response)
    assert bench.give(response) == [asked]
    answer = responder.tags(asked)
    [ack] = bench.give(answer)
    assert bench.give(answer) == [ack]
    assert bench.give(response) == [asked]


def test_nothing_to_prune_is_a_wrong_mac() -> None:
    bench = Bench()
    responder = ready(bench)
    response = responder.respond(range(30))
    [asked] = bench.give(response[:-1] + bytes([response[-1] ^ 1]))
    assert bench.give(responder.tags(asked)) == []
    assert bench.events("pairing_failed") == ["wrong MAC"]


def test_a_second_wrong_mac_after_pruning_fails() -> None:
    bench = Bench()
    responder = ready(bench)
    responder.random[5] = FORGED
    [asked] = bench.give(responder.respond(range(30)))
    [ack] = bench.give(responder.tags(asked))
    end = responder.confirm(ack)
    bench.give(end[:-1] + bytes([end[-1] ^ 1]))
    assert bench.events("pairing_failed") == ["wrong MAC"]


def test_pruning_below_the_minimum_fails() -> None:
    bench = Bench()
    responder = ready(bench)
    responder.random[5] = FORGED
    [asked] = bench.give(responder.respond(range(20)))
    bench.give(responder.tags(asked))
    assert bench.events("pairing_failed") == ["too few packets"]


@pytest.mark.parametrize("change", [{"seq": 1}, {"retran": 1}, {"message": bytes(58)}, {"message": bytes(62)}])
def test_only_the_page_asked_for(change: dict[str, object]) -> None:
    bench = Bench()
    responder = ready(bench)
    responder.random[5] = FORGED
    bench.give(responder.respond(range(30)))
    assert bench.give(frames.encode_head(frames.TAGS, **({"message": bytes(60)} | change))) == []
    assert bench.events("pairing_failed") == []
    assert bench.device.counters == {"out of state": 1}


def conflict(seq: int, *tags: bytes) -> bytes:
    return bytes(u16(seq)) + bytes([len(tags)]) + b"".join(tags)


A, B, C, D = b"aa", b"bb", b"cc", b"dd"


@pytest.mark.parametrize(
    "message",
    [
        sets.encode([1]),  # no conflict count
        sets.encode([1]) + b"\x00\x00",
        sets.encode([1]) + b"\x01" + conflict(2, A),
        sets.encode([1]) + b"\x01" + conflict(2, A, B, C, D),
        sets.encode([1]) + b"\x01" + conflict(2, A, A),
        sets.encode([1]) + b"\x01" + conflict(1, A, B),  # S holds no conflict
        sets.encode([1]) + b"\x02" + conflict(3, A, B) + conflict(2, A, B),
        sets.encode([1]) + b"\x02" + conflict(2, A, B) + conflict(2, A, B),
        sets.encode([1]) + b"\x01" + conflict(100, A, B),  # N_max
        sets.encode([100]) + b"\x00",
        sets.encode([1]) + b"\x02" + conflict(2, A, B),  # one is missing
        sets.encode([1]) + b"\x01" + conflict(2, A, B)[:-1],
        sets.encode([]) + b"\x41" + b"".join(conflict(seq, A, B) for seq in range(65)),
    ],
)
def test_malformed_responses(message: bytes) -> None:
    with pytest.raises(FrameError):
        messages.Response(message, 100)


def test_the_largest_response() -> None:
    listed = b"".join(conflict(seq, A, B, C) for seq in range(36, 100))
    response = messages.Response(sets.encode(list(range(36))) + b"\x40" + listed, 100)
    assert len(response.conflicts) == 64
    assert list(response.numbers) == list(range(36))


@pytest.mark.parametrize(("size", "cap"), [(0, 8), (179, 8), (180, 9), (1279, 63), (1280, 64), (2048, 64)])
def test_conflict_cap(size: int, cap: int) -> None:
    assert messages.Response(sets.encode(list(range(size))) + b"\x00", 2048).conflict_cap == cap


def accept(suite: int = 0x11, public: bytes = b"p" * 32, n_r: int = 200, loss: int = 20, n_max: int = 2048) -> bytes:
    return bytes([suite]) + bytes(32) + public + n_r.to_bytes(2) + b"\x00\x40" + bytes([loss]) + n_max.to_bytes(2)


@pytest.mark.parametrize("fields", [{"n_r": 16}, {"n_r": 2048}, {"loss": 1}, {"loss": 90}, {"n_r": 16, "n_max": 16}])
def test_accept_at_its_bounds(fields: dict[str, int]) -> None:
    bench = Bench()
    bench.connect()
    bench.give(frames.encode_head(frames.ACC, accept(**fields)))  # type: ignore[arg-type]  # all of them are numbers
    assert bench.device.broadcasting


@pytest.mark.parametrize(
    "fields",
    [
        {"n_r": 15},
        {"n_r": 101, "n_max": 100},
        {"n_max": 2049},
        {"loss": 0},
        {"loss": 91},
        {"suite": 0x01, "public": bytes(32)},  # not offered
        {"suite": 0x00, "public": bytes(32)},
        {"suite": 0x12},
        {"public": bytes(32)},  # hybrid without a key
        {"public": b"\x01" + bytes(31)},  # small order
    ],
)
def test_accept_past_its_bounds(fields: dict[str, object]) -> None:
    bench = Bench()
    bench.connect()
    bench.give(frames.encode_head(frames.ACC, accept(**fields)))  # type: ignore[arg-type]  # each has its own type
    assert not bench.device.broadcasting
    assert sum(bench.device.counters.values()) == 1


def test_a_key_in_a_suite_without_one_is_dropped() -> None:
    bench = Bench((0x11, 0x01))
    bench.connect()
    bench.give(frames.encode_head(frames.ACC, accept(suite=0x01)))
    assert not bench.device.broadcasting
    bench.give(frames.encode_head(frames.ACC, accept(suite=0x01, public=bytes(32))))
    assert bench.device.broadcasting


def test_secrets_are_wiped_at_end() -> None:
    bench = Bench()
    responder = bench.collect()
    negotiation = bench.device._pairing.negotiation
    [ack] = bench.give(responder.respond(sorted(responder.random)[3:50]))
    assert negotiation.request._secrets is not None
    bench.give(responder.confirm(ack))
    assert negotiation.request._secrets is None
    assert (negotiation.secret, negotiation.keys, negotiation.root, negotiation.shared) == (None, None, None, b"")
    assert negotiation not in bench.device._pairing.negotiations  # what waits for the user is less

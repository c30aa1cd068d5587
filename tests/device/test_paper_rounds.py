"""Suite `paper`: the W-round keys, per direction, and when they reach the disk (protocol.md 8)."""

import pytest

from self_secure_device import keyring
from self_secure_device.paper import chains
from tests.device.bench import TEXT
from tests.device.paper_bench import PaperBench
from tests.device.paper_hub import TO_DEVICE, TO_HUB
from tests.device.test_paper_chains import paired, send, talk


def stored(bench: PaperBench) -> bytes:
    store: bytes = keyring.decode(bench.port.saved[-1])[1][0].store
    return store


def rows(store: bytes, direction: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = chains.rounds(store, direction)
    return found


@pytest.mark.parametrize(("messages", "numbers"), [(30, [0]), (31, [1, 0]), (62, [1, 0]), (63, [2, 1]), (95, [3, 2])])
def test_the_last_two_w_round_keys_are_kept_per_direction(messages: int, numbers: list[int]) -> None:
    bench, hub = paired()  # one message each way is through
    talk(bench, hub, messages)
    assert [[j for j, _ in rows(stored(bench), d)] for d in (TO_HUB, TO_DEVICE)] == [numbers, numbers]
    assert stored(bench) == hub.store


def test_the_stored_key_is_the_one_after_the_update_of_message_32() -> None:
    bench, hub = paired()
    talk(bench, hub, 31)
    session = bench.device.peer.session
    assert rows(stored(bench), TO_HUB)[0] == (1, session.sender.chain)
    assert rows(stored(bench), TO_DEVICE)[0] == (1, session.receiver.chain)


def test_the_directions_count_alone() -> None:
    bench, hub = paired()
    for number in range(2, 34):
        [dack] = bench.say(hub, TEXT, number, b"")
        bench.hear(hub, dack)
    assert [[j for j, _ in rows(stored(bench), d)] for d in (TO_HUB, TO_DEVICE)] == [[0], [1, 0]]


def test_key_and_mark_are_one_write_before_the_acknowledgement() -> None:
    bench, hub = paired()
    talk(bench, hub, 30)
    before, old = len(bench.port.saved), stored(bench)
    bench.port.broken = True
    assert bench.say(hub, TEXT, 50, b"the 32nd") == []
    assert bench.device.peer.session.receiver.seq == 31
    bench.port.broken = False
    [dack] = bench.repeat(hub)
    assert len(bench.port.saved) == before + 1
    assert rows(stored(bench), TO_DEVICE)[1] == rows(old, TO_DEVICE)[0]
    assert keyring.decode(bench.port.saved[-1])[1][0].mark == 50
    bench.hear(hub, dack)


def test_a_sender_that_cannot_store_the_key_does_not_step() -> None:
    bench, hub = paired()
    talk(bench, hub, 30)
    [data] = send(bench, b"the 32nd")
    _, _, _, dack = bench.read(hub, data)
    bench.port.broken = True
    bench.give(dack)
    assert bench.events("error") == ["cannot store: disk full"]
    assert bench.device.peer.session.sender.seq == 31
    bench.port.broken = False
    bench.give(dack)
    assert stored(bench) == hub.store
    assert bench.events("delivered")[-1] == 32


def test_no_message_count_ends_a_life() -> None:
    bench, hub = paired()
    talk(bench, hub, 100)
    assert bench.device.state == 1
    assert bench.device.peer.session.sender.seq == 101

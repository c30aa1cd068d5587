"""Pairing again, with the same hub or another, while the old chains go on (protocol.md 5, rule 7)."""

from typing import Any

from self_secure_device import adverts, frames, keyring, keys
from self_secure_device.session import FORGET, READINGS
from tests.device.bench import HUB, TEXT, VERIFIED, Bench
from tests.device.responder import HubSession, Renewer


def paired() -> tuple[Bench, HubSession]:
    bench = Bench()
    return bench, bench.pair()


def renewer(bench: Bench) -> Renewer:
    return Renewer(HUB, bench.port.urandom(16), b"t" * 32)


def stored(bench: Bench) -> list[Any]:
    entries: list[Any] = keyring.decode(bench.port.saved[-1])[1]
    return entries


def again(bench: Bench) -> HubSession:
    bench.disconnect()
    bench.device.pair(bench.now)
    return bench.open()


def test_old_chains_go_on_until_the_new_pairing_is_committed() -> None:
    bench, old = paired()
    new = again(bench)
    assert [key.committed for key in stored(bench)] == [False, True]
    [dack] = bench.tell(old, TEXT, 2, b"old chain")
    old.sender.acknowledge(frames.decode(dack))
    bench.device.send(TEXT, b"mine", bench.now)
    assert bench.take(old, bench.sent()[0])[2] == b"mine"
    assert len(bench.tell(new, VERIFIED, 1, b"\x01")) == 2
    assert [(key.committed, key.store) for key in stored(bench)] == [(True, new.store)]
    bench.disconnect()
    bench.connect()
    assert bench.tell(old, TEXT, 3, b"dead") == []


def test_queued_messages_get_new_ids_in_a_new_pairing() -> None:
    bench, _ = paired()
    bench.device.send(TEXT, b"sent", bench.now)
    bench.device.send(TEXT, b"mine", bench.now)
    bench.sent()
    new = again(bench)
    dack, info = bench.tell(new, VERIFIED, 1, b"\x01")
    new.sender.acknowledge(frames.decode(dack))
    _, number, _, info_dack = bench.accept(new, info)
    [mine] = bench.give(info_dack)
    assert number == 1
    assert bench.take(new, mine) == (TEXT, 2, b"mine")


def test_what_was_sent_under_the_old_pairing_is_reported_and_not_repeated() -> None:
    bench, old = paired()
    bench.device.send(TEXT, b"once", bench.now)
    [data] = bench.sent()
    number = bench.accept(old, data)[1]  # its DACK is lost
    new = again(bench)
    dack, info = bench.tell(new, VERIFIED, 1, b"\x01")
    new.sender.acknowledge(frames.decode(dack))
    assert bench.events("undelivered")[-1] == number
    *_, info_dack = bench.accept(new, info)
    assert bench.give(info_dack) == []


def test_readings_that_were_sent_under_the_old_pairing_go_out_again() -> None:
    bench, _ = paired()
    bench.device.send(READINGS, b"\x01\x50", bench.now)
    bench.sent()
    new = again(bench)
    dack, info = bench.tell(new, VERIFIED, 1, b"\x01")
    new.sender.acknowledge(frames.decode(dack))
    *_, info_dack = bench.accept(new, info)
    assert bench.take(new, bench.give(info_dack)[0]) == (READINGS, 2, b"\x01\x50")


def test_a_resume_lists_the_newest_pairing_first_and_commits_it() -> None:
    bench, old = paired()
    new = again(bench)
    bench.restart()
    bench.connect()
    resumer = renewer(bench)
    [r1] = bench.give(resumer.hello)
    message = frames.decode(r1).message
    assert message[32] == 2
    assert [message[at + 4 : at + 8] for at in (33, 41)] == [keys.key_id(new.store), keys.key_id(old.store)]
    bench.give(resumer.renew(r1, {0: new.store}))
    assert [(key.committed, key.epoch, key.pairing) for key in stored(bench)] == [(True, 1, 2)]
    assert bench.events("paired") == [None, None]


def test_a_resume_under_the_old_key_drops_the_new_one() -> None:
    bench, old = paired()
    again(bench)
    bench.resume({0: old.store})
    assert [(key.epoch, key.pairing) for key in stored(bench)] == [(1, 1)]
    assert bench.events("pairing_failed") == ["refused"]


def test_open_ends_a_running_resume() -> None:
    bench, old = paired()
    bench.disconnect()
    bench.device.pair(bench.now)
    responder = bench.collect()
    resumer = renewer(bench)
    [r1] = bench.give(resumer.hello)
    [ack] = bench.give(responder.respond(range(30)))
    bench.give(responder.confirm(ack))
    assert bench.give(resumer.renew(r1, {0: old.store})) == []


def test_reset_erases_every_key_and_keeps_the_identity() -> None:
    bench, _ = paired()
    identity = bench.device.identity
    bench.device.reset()
    assert keyring.decode(bench.port.saved[-1]) == (identity, [], b"")
    assert bench.device.state == 0
    bench.disconnect()
    assert frames.decode(bench.connect()[0]).kind == frames.REQ


def held(session: HubSession) -> dict[int, bytes]:
    """What a hub stores of the pairing that this session belongs to."""
    return {session.epoch: session.store}


def test_a_hub_that_was_told_to_forget_the_device_is_forgotten() -> None:
    bench, old = paired()
    new = bench.resume(held(old))
    [dack] = bench.tell(new, FORGET, 1 << 32 | 1, b"")
    new.sender.acknowledge(frames.decode(dack))
    assert (stored(bench), bench.device.state, bench.events("forgotten")) == ([], adverts.READY, [None])
    bench.disconnect()
    assert frames.decode(bench.connect()[0]).kind == frames.REQ


def test_forget_is_ignored_in_an_epoch_that_has_begun_otherwise_or_earlier() -> None:
    bench, session = paired()
    assert len(bench.tell(session, FORGET, 2, b"")) == 1  # after a pairing
    session = bench.resume(held(session))
    session.sender.acknowledge(frames.decode(bench.tell(session, TEXT, 1 << 32 | 1, b"first")[0]))
    assert len(bench.tell(session, FORGET, 1 << 32 | 2, b"")) == 1  # not the first message
    assert bench.events("forgotten") == []


def test_forget_is_ignored_on_a_later_connection_than_the_resume() -> None:
    bench, old = paired()
    new = bench.resume(held(old))
    bench.disconnect()
    bench.connect()
    assert len(bench.tell(new, FORGET, 1 << 32 | 1, b"")) == 1
    assert (bench.events("forgotten"), len(stored(bench))) == ([], 1)


def test_forget_that_cannot_be_written_changes_nothing_and_counts_when_it_comes_again() -> None:
    bench, old = paired()
    new = bench.resume(held(old))
    bench.port.broken = True
    assert bench.tell(new, FORGET, 1 << 32 | 1, b"") == []
    bench.port.broken = False
    assert bench.events("forgotten") == []
    [dack] = bench.give(new.sender.attempt(b"S" * 16, bench.now))
    new.sender.acknowledge(frames.decode(dack))
    assert bench.events("forgotten") == [None]

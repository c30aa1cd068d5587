"""A pairing through a relay: in `hybrid` and with the code compared, or not at all; it stays labelled (protocol.md 10)."""

import pytest

from custom_components.self_secure.protocol import snapshot
from custom_components.self_secure.protocol.errors import Cause, LocalError
from custom_components.self_secure.protocol.events import PairingCompleted, PairingFailed, Verdict

from .bench import ENOUGH, LOSS, PAYLOAD, Bench


def opened(suites: tuple[int, ...] = (0x11,), floor: int | None = None) -> Bench:
    """The window is open, the path is there."""
    bench = Bench(suites=suites)
    bench.hub.connection.open_pairing(bench.now, floor, relayed=True)
    bench.call("link_opened", PAYLOAD)
    return bench


def compared() -> Bench:
    """Both sides hold the key, and the user is asked."""
    bench = opened()
    bench.request()
    response = bench.respond(range(ENOUGH))
    end = bench.exchange(bench.device.take(response))
    bench.receive(bench.device.take(end))
    return bench


def test_the_record_says_for_ever_that_it_was_relayed() -> None:
    bench = compared()
    bench.call("answer", Verdict.SAME)
    [done] = bench.told(PairingCompleted)
    assert done.record.relayed
    assert bench.store.snapshot is not None
    assert snapshot.decode(bench.store.snapshot).pairings[0].record.relayed


def test_a_direct_pairing_is_not_called_relayed() -> None:
    bench = Bench()
    bench.pair()
    assert not bench.told(PairingCompleted)[0].record.relayed


def test_who_does_not_compare_gets_no_key() -> None:
    bench = compared()
    with pytest.raises(LocalError, match="only if the code was compared"):
        bench.call("answer", Verdict.NOT_SHOWN)
    assert bench.told(PairingCompleted) == []
    bench.call("answer", Verdict.DIFFERENT)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.DIFFERENT_CODE, suspicious=True)]


def test_a_weaker_suite_is_refused_whatever_the_user_accepts() -> None:
    bench = opened((LOSS,), floor=LOSS)
    bench.receive(bench.device.request.frame)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.SUITE_BELOW_FLOOR, suspicious=False)]

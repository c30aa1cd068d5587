"""Steps and checks that several tests of the protocol share."""

from typing import Any

from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import FrameDropped, PairingCompleted, PairingFailed, Verdict
from custom_components.self_secure.protocol.packets import Frame, FrameType, NakReason

from .bench import Bench
from .frozen import freeze
from .renewal import Renewing


def dropped(bench: Bench, raw: bytes, reason: str) -> None:
    """The frame is refused for this reason and changes nothing."""
    before, sent = freeze(bench.hub.connection), len(bench.frames)
    told = bench.receive(raw)
    assert [event.reason for event in told if isinstance(event, FrameDropped)] == [reason]
    assert len(told) == 1
    assert freeze(bench.hub.connection) == before
    assert len(bench.frames) == sent


def crowded(*, forged: list[int] | None = None, packets: int = 64, size: int = 32, **options: Any) -> tuple[Bench, bytes]:
    """Collect `size` packets: one scanner has all but eight of them, so the set is larger than its minimum; return RSP.

    Of the forged ones no scanner heard the true packet.
    """
    bench = Bench(packets=packets, n_max=packets, **options)
    bench.reach(2)
    wrong = forged or []
    bench.hear([size - 1], "there")
    bench.hear([seq for seq in range(size - 8) if seq not in wrong])
    bench.forge(wrong)
    return bench, bench.respond_as("there", range(size - 8, size - 1))


def complete(bench: Bench, ack: bytes) -> PairingCompleted:
    """Go on from ACK to the stored key."""
    bench.receive(bench.device.take(bench.exchange(ack)))
    bench.call("answer", Verdict.SAME)
    (completed,) = bench.told(PairingCompleted)
    return completed  # type: ignore[no-any-return]  # told() returns events of that kind


def stored(renewing: Renewing) -> Any:
    """Return the newest pairing on disk."""
    assert renewing.bench.store.snapshot is not None
    return renewing.bench.store.snapshot["pairings"][0]


def rotate(renewing: Renewing) -> bytes:
    """Ask for a new epoch; return R0."""
    renewing.bench.call("rotate")
    renewing.hello = renewing.bench.frames[-1]
    return renewing.hello


def failed(bench: Bench, cause: Cause, reason: NakReason | None, *, suspicious: bool = False) -> None:
    """Check what came out: one failure, its NAK, and no write."""
    assert bench.told(PairingFailed) == [PairingFailed(cause, suspicious)]
    naks = [Frame.decode(raw).message for raw in bench.frames if raw[0] == FrameType.NAK]
    assert naks == ([] if reason is None else [bytes([reason])])
    assert bench.store.writes == 0
    assert not bench.hub.connection.pairing
    assert not bench.hub.connection.paired

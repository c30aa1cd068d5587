"""What the tests of a relay's hop have in common."""

from typing import Any

from self_secure_device import frames
from self_secure_device.relay import limits
from self_secure_device.resume import Resume
from tests.device.relay_bench import Entry, FarDevice, RelayBench


def ward_of(bench: RelayBench, far: FarDevice) -> Any:
    return bench.relay._wards[far.identity]


def kinds(written: list[bytes]) -> list[int]:
    return [frames.decode(raw).kind for raw in written]


def reconnect(bench: RelayBench, far: FarDevice, pause: int = limits.REST) -> list[bytes]:
    """Let the link drop and come back; return what the relay writes at once."""
    bench.unlink(far)
    bench.now += pause
    return bench.link(far)


def restart(bench: RelayBench, far: FarDevice) -> list[bytes]:
    """The relay loses its memory; a hub, resumed, asks for the path; return what the relay writes to the ward."""
    bench.restart()
    bench.connect()
    bench.hub = bench.resume({bench.hub.epoch: bench.hub.store})
    bench.ids = 0
    bench.take_all(bench.after + bench.poll())
    bench.hear(far)
    assert bench.route(1, far.identity) == []
    assert bench.wanted == [far.address]
    return bench.link(far)


def offer(far: FarDevice, hello: bytes, *entries: Any) -> tuple[Resume, bytes]:
    """Return a ward's machine and its R1."""
    resume = Resume()
    return resume, resume.answer(frames.decode(hello), list(entries) or [Entry(far, far.session)], b"i" * 16, b"k" * 32)

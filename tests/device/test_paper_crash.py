"""Suite `paper`: the power of the device fails at every write, and frames of a resume are lost (protocol.md 7 and 8)."""

from collections.abc import Callable

import pytest

from self_secure_device.crypto import sha256
from self_secure_device.paper import chains
from tests.device.bench import HUB, TEXT
from tests.device.paper_bench import PaperBench
from tests.device.paper_hub import TO_HUB, PaperRenewer
from tests.device.test_paper_resume import device_says, numbers, paired, stored


class PowerLossError(Exception):
    """The power goes, just before or just after a write."""


class Life:
    """A hub and a device whose power fails at one write; `steps` are what they do."""

    def __init__(self, at: int, after: bool) -> None:
        self.bench = PaperBench()
        self.hub = self.bench.paired()
        self.losses = 0
        self._next = 2
        self._at, self._after = len(self.bench.port.saved) + at, after
        self.bench.device.keyring._save = self.fail

    def fail(self, data: bytes) -> None:
        """Write, or lose the power before or after it."""
        fatal = len(self.bench.port.saved) == self._at
        if not fatal or self._after:
            self.bench.port.save(data)
        if fatal:
            self.losses += 1
            raise PowerLossError

    def run(self, step: Callable[[], None]) -> None:
        """Do one step; after a power loss start again from the disk and resume, as the hub would."""
        try:
            step()
        except PowerLossError:
            self.bench.restart()
            self.bench.device.connected(247)
            self.bench.device.subscribed(self.bench.now)
            self.bench.sent()
            self.hub = self.bench.renew(self.hub.store)

    def hub_speaks(self) -> None:
        """Send one message of the hub under an id of its own."""
        self._next += 1
        [dack] = self.bench.say(self.hub, TEXT, self._next, b"%d" % self._next)
        self.bench.hear(self.hub, dack)

    def device_speaks(self) -> None:
        """Send one message of the device."""
        device_says(self.bench, self.hub, 1)

    def resume(self) -> None:
        """Resume without need, as after a frozen chain; the power may go at the write of R2."""
        renewer = self.bench.renewer()
        [r1] = self.bench.give(renewer.hello)
        r2 = renewer.renew(r1, self.hub.store)
        self.waiting = renewer
        r3, *_ = self.bench.give(r2)
        assert renewer.check(r3)
        self.hub = renewer.session()


STEPS = 40 * ["hub_speaks", "device_speaks"]
WRITES = 41  # one per message of the hub, one W-round key of each direction, of which the hub's way is one write with its mark


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(WRITES))
def test_a_power_loss_at_any_write_is_survived(at: int, after: bool) -> None:
    life = Life(at, after)
    for step in STEPS:
        life.run(getattr(life, step))
    assert life.losses == 1
    texts = life.bench.events("text")
    assert len(set(texts)) == len(texts) >= 39
    assert life.bench.device.state == 1
    assert numbers(stored(life.bench)[0].store) == numbers(life.hub.store)


@pytest.mark.parametrize("after", [False, True])
def test_a_power_loss_at_the_write_of_a_resume(after: bool) -> None:
    life = Life(0, after)
    old = life.hub.store
    with pytest.raises(PowerLossError):
        life.resume()
    life.bench.restart()
    life.bench.connect()
    life.bench.renew([old, life.waiting.session().store][after])
    assert life.bench.events("resumed") == [1 + after]


def test_a_lost_r1_or_r2_or_r3_leaves_a_common_key() -> None:
    bench, old = paired()
    for lost in range(2):
        renewer = bench.renewer()
        [r1] = bench.give(renewer.hello)
        for frame in [renewer.renew(r1, old.store)][:lost]:
            bench.give(frame)
        bench.restart()
        bench.connect()
    bench.renew(renewer.session().store)
    assert bench.events("resumed") == [1, 2]


def test_what_a_thief_of_the_storage_needs_beside_it() -> None:
    bench, old = paired()
    [(_, key)] = chains.rounds(stored(bench)[0].store, TO_HUB)
    renewer = PaperRenewer(HUB, b"n" * 16)
    [r1] = bench.give(renewer.hello)
    bench.give(renewer.renew(r1, old.store))
    nonces = sha256(b"\x00" + r1[9:25] + b"n" * 16)
    assert bench.device.peer.session.sender.chain == sha256(bytes(a ^ b for a, b in zip(key, nonces, strict=True)))

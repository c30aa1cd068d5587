"""The device's own resume and chains against a hub connection, frame by frame."""

import random
from typing import Any, Self

from self_secure_device import frames, keys
from self_secure_device.keyring import Key
from self_secure_device.resume import Renewal, Resume
from self_secure_device.session import Receiver, Session, encode_text

from .bench import HUB, Bench


class Renewing:
    """What a device holds after a pairing on a bench: keys, session, and its side of a resume."""

    def __init__(self, bench: Bench, rng: random.Random | None = None) -> None:
        self.bench = bench
        self._rng = rng or random.Random(7)
        machine = bench.device.machine
        self.suite = machine.suite
        root = machine.take_root()
        self.session = Session(self.suite, 0, root)
        self.held = [Key(HUB, self.suite, 1, 0, keys.store_key(root), session=self.session)]
        self.resume = Resume()
        self.hello, self.r1, self.r2 = b"", b"", b""
        self.late = b""  # an acknowledgement that a test keeps back

    @classmethod
    def after_restart(cls, rng: random.Random, **options: Any) -> Self:
        """Pair, let the device acknowledge VERIFIED, restart the hub, connect: R0 is on its way."""
        renewing = cls.paired(rng, **options)
        renewing.restart()
        return renewing

    @classmethod
    def paired(cls, rng: random.Random, **options: Any) -> Self:
        """Pair and acknowledge VERIFIED; the link is open."""
        bench = Bench(**options)
        bench.pair()
        renewing = cls(bench, rng)
        renewing.acknowledge()
        return renewing

    def restart(self) -> None:
        """A new hub from the disk of the old one; it says R0."""
        old = self.bench
        self.bench = Bench(seed=2, store=old.store, w=old.settings.w, omega=old.settings.omega)
        self.bench.now = old.now
        self.hello = self.bench.connect()

    # --- messages

    def acknowledge(self) -> bytes:
        """Accept the DATA that the hub has sent last; return the DACK, which the hub has."""
        return self.deliver(self.accept(self.bench.frames[-1]))

    def accept(self, raw: bytes) -> bytes:
        """Accept a DATA frame; return the DACK."""
        receiver: Receiver = self.session.receiver
        accepted = receiver.open(frames.decode(raw), self._rng.randbytes(16))
        receiver.commit(accepted)
        self.session.messages += 1
        return bytes(accepted.dack)

    def deliver(self, raw: bytes) -> bytes:
        """Hand the hub a frame."""
        self.bench.receive(raw)
        return raw

    def data(self, kind: int, body: bytes, number: int | None = None) -> bytes:
        """Return a DATA frame of the device; it stays outstanding until `settle`."""
        number = self.session.next_number() if number is None else number
        self.session.sender.load(encode_text(kind, number, body))
        return self.again()

    def again(self) -> bytes:
        """Return the next attempt of the outstanding message."""
        frame: bytes = self.session.sender.attempt(self._rng.randbytes(16), 0)
        return frame

    def settle(self, dack: bytes) -> None:
        """Take the hub's DACK."""
        self.session.sender.acknowledge(frames.decode(dack))
        self.session.messages += 1

    # --- a resume

    def offer(self, hello: bytes | None = None) -> bytes:
        """Answer R0 with R1; return R2, or RNAK."""
        self.r1 = self.answer(hello or self.hello)
        self.r2 = self.bench.exchange(self.r1)
        return self.r2

    def answer(self, hello: bytes) -> bytes:
        """Return R1 for an R0."""
        r1: bytes = self.resume.answer(frames.decode(hello), self.held, self._rng.randbytes(16), self._rng.randbytes(32))
        return r1

    def renew(self, r2: bytes) -> Renewal:
        """Accept R2: new chains; return what it led to, R3 among it."""
        renewal: Renewal = self.resume.renew(frames.decode(r2))
        self.session = Session(renewal.entry.suite, renewal.epoch, renewal.root)
        self.held = [Key(HUB, renewal.entry.suite, 1, renewal.epoch, keys.store_key(renewal.root), session=self.session)]
        self.resume.forget()
        return renewal

    def complete(self) -> None:
        """Do a whole resume from the R0 that is on its way."""
        self.bench.receive(self.renew(self.offer()).frame)

    def reconnect(self) -> bytes:
        """Close the link and open it again; return the first frame of the hub."""
        self.bench.call("link_closed")
        self.hello = self.bench.connect()
        return self.hello

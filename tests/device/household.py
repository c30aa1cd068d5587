"""One device and several hubs, frame by frame: what each of them says and hears, over connections one after the other."""

from self_secure_device import frames
from tests.device.bench import VERIFIED, Bench
from tests.device.responder import HubSession, Renewer, Responder

JOIN = 500  # ms that a device waits for who has connected while a negotiation runs


class Member:
    """One hub: its side of a negotiation, then its chains."""

    def __init__(self, bench: Bench, name: str, suite_id: int = 0x11) -> None:
        self.bench, self.identity = bench, name.encode() * 16
        self.responder = Responder(self.identity, name.encode() * 16, (name.encode() * 32), name.upper().encode() * 16, suite_id)
        self.session: HubSession
        self.ids = 0

    # --- a negotiation

    def ask(self, wait: int = 0, *, minimum: int = 20, n_max: int = 2048, role: bytes = b"") -> bytes:
        """Connect, take REQ after so many milliseconds, answer ACC, hang up; return the REQ."""
        [request] = self.bench.connect() + self.bench.pass_time(wait)
        assert self.bench.give(self.responder.accept(request, minimum=minimum, n_max=n_max, role=role)) == []
        self.bench.disconnect()
        return request

    def hear(self, packet: bytes) -> None:
        """Receive one random packet."""
        self.responder.random[int.from_bytes(packet[9:11])] = packet[11:]

    def agree(self) -> bytes:
        """Connect with RSP and go on to OPEN, then hang up; return that."""
        assert self.bench.connect() == []
        [ack] = self.bench.give(self.responder.respond(sorted(self.responder.random)))
        [opened] = self.bench.give(self.responder.confirm(ack))
        self.responder.finish(opened)
        self.session = HubSession(self.responder.suite, 0, self.responder.root)
        self.ids = 0
        self.bench.disconnect()
        return opened

    def verify(self) -> None:
        """The user has compared: connect and say so; INFO is acknowledged, the link stays open."""
        assert self.bench.connect() == []
        info = self.say(VERIFIED, b"\x01")
        assert self.take(info)[0] == 6

    # --- messages

    def say(self, kind: int, body: bytes) -> bytes:
        """Send a message and take its DACK; return what the device says of its own behind it, or nothing."""
        self.ids += 1
        dack, *more = self.bench.tell(self.session, kind, self.session.epoch << 32 | self.ids, body)
        self.acknowledge(dack)
        return b"".join(more)

    def acknowledge(self, dack: bytes) -> None:
        """Take the DACK of the message that was sent last."""
        self.session.sender.acknowledge(frames.decode(dack))

    def take(self, data: bytes) -> tuple[int, int, bytes]:
        """Take one DATA and acknowledge it."""
        return self.bench.take(self.session, data)

    def resume(self) -> list[bytes]:
        """Run R0 to R3 over the open link; return what the device says of its own behind it."""
        renewer = Renewer(self.identity, self.bench.port.urandom(16), b"t" * 32)
        [r1] = self.bench.give(renewer.hello)
        r3, *more = self.bench.give(renewer.renew(r1, {self.session.epoch: self.session.store}))
        assert renewer.check(r3)
        self.session, self.ids = HubSession(self.responder.suite, renewer.epoch, renewer.root), 0
        return more


def broadcast(bench: Bench, *members: Member, count: int = 60) -> None:
    """Let the device broadcast; every member hears all of it."""
    for _ in range(count):
        packet = bench.device.next_random()
        for member in members:
            member.hear(packet)


def household(*names: str) -> tuple[Bench, list[Member]]:
    """Return a device that has paired with these hubs in one broadcast; no link is open."""
    bench = Bench()
    members = [Member(bench, name) for name in names]
    for number, member in enumerate(members):
        member.ask(JOIN if number else 0)
    broadcast(bench, *members)
    for member in members:
        member.agree()
    for member in members:
        member.verify()
        bench.disconnect()
    return bench, members

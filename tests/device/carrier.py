"""A scripted relay beside the device, and a scripted hub behind it: every frame of the hop, and of the path over it, by hand."""

from self_secure_device import frames
from self_secure_device.crypto import u16, u64
from self_secure_device.session import RELAY, ROUTE
from tests.device.bench import VERIFIED, Bench
from tests.device.household import Member, broadcast
from tests.device.responder import HubSession, Renewer, Responder

CARRIES = b"\x01"
NOWHERE = bytes(16)
TTL = b"\x04"

type Said = tuple[int, bytes]  # type and body of a hop's message


class Carrier(Member):
    """A relay: it pairs as one, opens paths and carries inner frames."""

    def adopt(self, wait: int = 0) -> None:
        """Pair as a relay does; the link stays open."""
        self.ask(wait, role=CARRIES)
        broadcast(self.bench, self)
        self.agree()
        assert self.bench.connect() == []
        assert self.hop(VERIFIED, b"\x00") == []

    def meet(self) -> None:
        """Connect, and show by an INFO without a word who is there."""
        assert self.bench.connect() == []
        assert self.hop(6, b"") == []

    def hop(self, kind: int, body: bytes) -> list[Said]:
        """Send one message over the hop; return what the device says in return."""
        self.ids += 1
        self.session.sender.load(bytes([kind]) + u64(self.session.epoch << 32 | self.ids) + body)
        return self.hear_all(self.bench.give(self.session.sender.attempt(b"R" * 16, self.bench.now)))

    def hear_all(self, said: list[bytes]) -> list[Said]:
        """Take frames of the device, acknowledge its messages until it has no more; return them."""
        found: list[Said] = []
        while said:
            frame = frames.decode(said.pop(0))
            if frame.kind == frames.DACK:
                self.session.sender.acknowledge(frame)
            else:
                message, _, body, dack = self.bench.accept(self.session, frame.raw)
                found.append((message, body))
                said += self.bench.give(dack)
        return found

    def route(self, path: int, identity: bytes) -> list[Said]:
        """Open a path, or withdraw it."""
        return self.hop(ROUTE, u16(path) + identity)

    def carry(self, path: int, inner: bytes) -> list[bytes]:
        """Hand an inner frame over; return the inner frames that come back on the path."""
        return inner_frames(path, self.hop(RELAY, u16(path) + TTL + inner))

    def renew(self) -> None:
        """Resume the hop over the open link."""
        renewer = Renewer(self.identity, self.bench.port.urandom(16), b"t" * 32)
        [r1] = self.bench.give(renewer.hello)
        [r3] = self.bench.give(renewer.renew(r1, {self.session.epoch: self.session.store}))
        assert renewer.check(r3)
        self.session, self.ids = HubSession(self.responder.suite, renewer.epoch, renewer.root), 0


def inner_frames(path: int, said: list[Said]) -> list[bytes]:
    """Return the inner frames in what came over the hop; nothing else may have come, and nothing on another path."""
    assert [(kind, body[:3]) for kind, body in said] == [(RELAY, u16(path) + TTL)] * len(said)
    return [body[3:] for _, body in said]


class FarHub:
    """A hub out of the device's range, at the end of one path of a carrier."""

    def __init__(self, carrier: Carrier, path: int = 1, name: bytes = b"c", suite_id: int = 0x11) -> None:
        self.carrier, self.path, self.identity = carrier, path, name * 16
        self.responder = Responder(self.identity, name * 16, name * 32, name.upper() * 16, suite_id)
        self.session: HubSession
        self.ids = 0

    def open(self) -> list[bytes]:
        """Open the path; return the inner frames that the device says at once."""
        (kind, body), *more = self.carrier.route(self.path, self.carrier.bench.device.identity)
        assert (kind, body) == (ROUTE, u16(self.path) + self.carrier.bench.device.identity)
        return inner_frames(self.path, more)

    def give(self, inner: bytes) -> list[bytes]:
        """Send one frame; return what the device says."""
        return self.carrier.carry(self.path, inner)

    def wait(self, milliseconds: int) -> list[bytes]:
        """Let time pass; return what the device says on the path."""
        return inner_frames(self.path, self.carrier.hear_all(self.carrier.bench.pass_time(milliseconds)))

    def pair(self, wait: int = 600) -> None:
        """Pair through the path: the relay hangs up for the broadcast, comes back and opens the path again."""
        bench = self.carrier.bench
        [request] = self.open() + self.wait(wait)
        assert self.give(self.responder.accept(request)) == []
        bench.disconnect()
        for _ in range(60):
            packet = bench.device.next_random()
            self.responder.random[int.from_bytes(packet[9:11])] = packet[11:]
        self.carrier.meet()
        assert self.open() == []
        [ack] = self.give(self.responder.respond(sorted(self.responder.random)))
        [opened] = self.give(self.responder.confirm(ack))
        self.responder.finish(opened)
        self.session = HubSession(self.responder.suite, 0, self.responder.root)

    def say(self, kind: int, body: bytes) -> list[bytes]:
        """Send a message and take its DACK; return what the device says behind it."""
        self.ids += 1
        self.session.sender.load(bytes([kind]) + u64(self.session.epoch << 32 | self.ids) + body)
        dack, *more = self.give(self.session.sender.attempt(b"R" * 16, self.carrier.bench.now))
        self.session.sender.acknowledge(frames.decode(dack))
        return more

    def take(self, data: bytes) -> tuple[int, bytes, list[bytes]]:
        """Take one DATA and acknowledge it; return its type and body, and what the device says next."""
        kind, _, body, dack = self.carrier.bench.accept(self.session, data)
        return kind, body, self.give(dack)

    def resume(self) -> list[bytes]:
        """Run R0 to R3; return what the device says behind it."""
        renewer = Renewer(self.identity, self.carrier.bench.port.urandom(16), b"t" * 32)
        [r1] = self.give(renewer.hello)
        r3, *more = self.give(renewer.renew(r1, {self.session.epoch: self.session.store}))
        assert renewer.check(r3)
        self.session, self.ids = HubSession(self.responder.suite, renewer.epoch, renewer.root), 0
        return more


def carried() -> tuple[Bench, Carrier]:
    """Return a device that a relay has adopted; their link is open."""
    bench = Bench()
    carrier = Carrier(bench, "b")
    carrier.adopt()
    return bench, carrier


def far() -> tuple[Bench, Carrier, FarHub]:
    """Return a device that is paired through its relay; the path is open, INFO is acknowledged."""
    bench, carrier = carried()
    hub = FarHub(carrier)
    hub.pair()
    [info] = hub.say(VERIFIED, b"\x01")
    assert hub.take(info) == (6, b"\x01\x01b", [])
    return bench, carrier, hub

"""The bench of suite `paper`: the same device and link, with a hub that speaks this suite's packets."""

from typing import Any

from self_secure_device.crypto import u64
from self_secure_device.paper import packets
from tests.device.bench import HUB, VERIFIED, Bench
from tests.device.paper_hub import PaperHubSession, PaperRenewer, PaperResponder, first_session


def decode(raw: bytes) -> Any:
    """Read a packet that the device sent."""
    return packets.decode(raw)


class PaperBench(Bench):
    """One device of suite `paper`."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__((0x00,), seed)

    def negotiate(self, identity: bytes = HUB, count: int = 60) -> PaperResponder:
        """Run REQ, ACC and the broadcast; the device is connected again and waits for RSP."""
        hub = PaperResponder(identity)
        request = (self.connect() + self.pass_time(5_000))[0]  # with an uncommitted key, the device waits a little
        assert self.give(hub.accept(request)) == []
        self.disconnect()
        for _ in range(count):
            packet = self.device.next_random()
            hub.random[int.from_bytes(packet[9:11])] = packet[11:]
        assert self.connect() == []
        return hub

    def settle(self, identity: bytes = HUB) -> PaperHubSession:
        """Run a negotiation up to END; return the hub's side of the new chains."""
        hub = self.negotiate(identity)
        [ack] = self.give(hub.respond(sorted(hub.random)[3:50]))
        assert self.give(hub.confirm(ack)) == []
        return first_session(hub.initial)

    def paired(self, identity: bytes = HUB) -> PaperHubSession:
        """Run a whole pairing; INFO has been acknowledged."""
        session = self.settle(identity)
        dack, info = self.say(session, VERIFIED, 1, b"\x01")
        self.hear(session, dack)
        assert self.fetch(session, info)[0] == 6
        return session

    def say(self, session: PaperHubSession, kind: int, number: int, body: bytes) -> list[bytes]:
        """Send one message of the hub; return the device's packets."""
        session.sender.load(bytes([kind]) + u64(number) + body)
        return self.repeat(session)

    def repeat(self, session: PaperHubSession) -> list[bytes]:
        """Send one more attempt of the hub's message."""
        return self.give(session.sender.attempt(self.port.urandom(64), self.now))

    def hear(self, session: PaperHubSession, dack: bytes) -> None:
        """Take the device's DACK as the hub."""
        session.sender.acknowledge(decode(dack), session.write)

    def read(self, session: PaperHubSession, data: bytes) -> tuple[int, int, bytes, bytes]:
        """Take one DATA as the hub; return type, id, body and the DACK, which is not delivered."""
        accepted = session.receiver.open(decode(data), self.port.urandom(48))
        session.write(accepted.saved)
        session.receiver.commit(accepted)
        return accepted.kind, accepted.number, accepted.body, accepted.dack

    def fetch(self, session: PaperHubSession, data: bytes) -> tuple[int, int, bytes]:
        """Take one DATA and acknowledge it."""
        kind, number, body, dack = self.read(session, data)
        self.give(dack)
        return kind, number, body

    def renewer(self, identity: bytes = HUB) -> PaperRenewer:
        """Return the hub's side of one resume."""
        return PaperRenewer(identity, self.port.urandom(16))

    def renew(self, store: bytes) -> PaperHubSession:
        """Run R0 to R3 with the hub's W-round keys; return its new chains."""
        renewer = self.renewer()
        [r1] = self.give(renewer.hello)
        r3, *self.after = self.give(renewer.renew(r1, store))
        assert renewer.check(r3)
        self.taken = renewer.taken
        return renewer.session()

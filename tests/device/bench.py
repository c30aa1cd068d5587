"""The device's core on a bench: a memory port, a clock that tests move, and a scripted hub on the other end of the link."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from self_secure_device import frames
from self_secure_device.crypto import u64
from self_secure_device.device import Device
from self_secure_device.request import Parameters
from tests.device.responder import HubSession, Renewer, Responder

IDENTITY = bytes(range(16))
HUB = b"H" * 16
VERIFIED, TEXT = 5, 2


@dataclass
class Port:
    """What the core needs from a program; ``events`` and ``saved`` are what it did."""

    seed: int = 1
    events: list[tuple[str, Any]] = field(default_factory=list)
    saved: list[bytes] = field(default_factory=list)
    broken: bool = False

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def urandom(self, count: int) -> bytes:
        """Bytes that repeat for one seed."""
        return self._random.randbytes(count)

    def save(self, data: bytes) -> None:
        """Keep the snapshot, or fail as a full disk does."""
        if self.broken:
            raise OSError("disk full")
        self.saved.append(data)

    def event(self, kind: str, value: object) -> None:
        """Note what happened."""
        self.events.append((kind, value))


class Bench:
    """One device, restarted at will, and what its hub sees."""

    def __init__(self, suites: tuple[int, ...] = (0x11,), seed: int = 1) -> None:
        self.port = Port(seed)
        self.suites = suites
        self.now = 1000
        self.start(None)

    def start(self, stored: bytes | None) -> None:
        """Start the program with this snapshot: nothing else survives."""
        self.device: Any = Device(self.port, IDENTITY, stored, Parameters(self.suites), "bench", b"\x01\x01b")

    def restart(self) -> None:
        """Lose the power."""
        self.start(self.port.saved[-1])

    # --- the link ----------------------------------------------------------------------------------------------

    def connect(self) -> list[bytes]:
        """Connect and subscribe; return the frames that the device sends at once."""
        self.device.connected(247)
        self.device.subscribed(self.now)
        return self.sent()

    def disconnect(self) -> None:
        """Drop the connection."""
        self.device.disconnected()

    def sent(self) -> list[bytes]:
        """Return the frames that wait for the radio, reassembled."""
        assembler, out = frames.Assembler(), []
        while (fragment := self.device.next_fragment()) is not None:
            whole = assembler.feed(fragment)
            out += [whole] if whole is not None else []
        return out

    def give(self, frame: bytes) -> list[bytes]:
        """Write one frame; return what the device answers."""
        for fragment in frames.fragments(frame, 244):
            self.device.received(fragment, self.now)
        return self.sent()

    def pass_time(self, milliseconds: int) -> list[bytes]:
        """Let time pass, stopping at every deadline; return what the device sends."""
        end = self.now + milliseconds
        while (due := self.device.deadline) is not None and due <= end:
            self.now = max(self.now, due)
            self.device.poll(self.now)
        self.now = end
        self.device.poll(end)
        return self.sent()

    # --- whole steps -------------------------------------------------------------------------------------------

    def events(self, kind: str) -> list[Any]:
        """Return the values of every event of one kind so far."""
        return [value for name, value in self.port.events if name == kind]

    def broadcast(self, responder: Responder, count: int = 60) -> None:
        """Let the device broadcast; the responder hears everything."""
        for _ in range(count):
            packet = self.device.next_random()
            responder.random[int.from_bytes(packet[9:11])] = packet[11:]

    def collect(self, identity: bytes = HUB, suite_id: int = 0x11, minimum: int = 20) -> Responder:
        """Run REQ, ACC and the broadcast; the device is connected again and waits for RSP."""
        responder = Responder(identity, b"n" * 16, b"s" * 32, b"r" * 16, suite_id)
        request = (self.connect() + self.pass_time(5_000))[0]  # with an uncommitted key, the device waits a little
        assert self.give(responder.accept(request, minimum=minimum)) == []
        self.disconnect()
        self.broadcast(responder)
        assert self.connect() == []
        return responder

    def open(self, identity: bytes = HUB, suite_id: int = 0x11) -> HubSession:
        """Run a negotiation up to OPEN; return the hub's side of the new chains."""
        responder = self.collect(identity, suite_id)
        [ack] = self.give(responder.respond(sorted(responder.random)[3:50]))
        [opened] = self.give(responder.confirm(ack))
        responder.finish(opened)
        self.responder = responder
        return HubSession(responder.suite, 0, responder.root)

    def pair(self, identity: bytes = HUB, suite_id: int = 0x11) -> HubSession:
        """Run a whole pairing; INFO has been acknowledged."""
        session = self.open(identity, suite_id)
        dack, info = self.tell(session, VERIFIED, 1, b"\x01")
        session.sender.acknowledge(frames.decode(dack))
        assert self.take(session, info)[0] == 6
        return session

    def tell(self, session: HubSession, kind: int, number: int, body: bytes) -> list[bytes]:
        """Send one message of the hub; return the device's frames."""
        session.sender.load(bytes([kind]) + u64(number) + body)
        return self.give(session.sender.attempt(b"R" * 16, self.now))

    def accept(self, session: HubSession, data: bytes) -> tuple[int, int, bytes, bytes]:
        """Take one DATA as the hub; return type, id, body and the DACK, which is not delivered."""
        accepted = session.receiver.open(frames.decode(data), b"B" * 16)
        session.receiver.commit(accepted)
        return accepted.kind, accepted.number, accepted.body, accepted.dack

    def take(self, session: HubSession, data: bytes) -> tuple[int, int, bytes]:
        """Take one DATA and acknowledge it."""
        kind, number, body, dack = self.accept(session, data)
        self.give(dack)
        return kind, number, body

    def resume(self, held: dict[int, bytes], chains: tuple[bytes, bytes] | None = None, suite_id: int = 0x11) -> HubSession:
        """Run R0 to R3 with the hub's stored keys; return its new chains."""
        renewer = Renewer(HUB, self.port.urandom(16), b"t" * 32)
        [r1] = self.give(renewer.hello)
        answers = self.give(renewer.renew(r1, held, suite_id, chains))
        assert renewer.check(answers[0])
        self.after = answers[1:]
        return HubSession(self.responder.suite, renewer.epoch, renewer.root)

"""One hub connection against the device's own negotiation machine, frame by frame: a test can keep, change or repeat each."""

from collections.abc import Iterable
import random
from typing import Any

from custom_components.self_secure.protocol import framing
from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import Event, Persist, Transmit, Verdict
from custom_components.self_secure.protocol.negotiation import Negotiation
from custom_components.self_secure.protocol.packets import Frame, FrameType
from experiments.virtual.hub import LocalHub, MemoryStore
from self_secure_device import frames
from self_secure_device.agreement import Agreement
from self_secure_device.negotiation import Negotiation as DeviceNegotiation
from self_secure_device.request import Parameters, Request, Secrets

IDENTITY = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
HUB = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
HYBRID, LOSS = 0x11, 0x01
PAYLOAD = 244
ENOUGH = 16  # packets: N_r of these settings, 5.2 bits at 20 %
SMALL: dict[str, Any] = {"hub_id": HUB, "minimum": ENOUGH, "target_bits": 4, "n_max": 64}


class Store(MemoryStore):
    """A store in memory that can refuse."""

    full = False

    def save(self, snapshot: Any) -> None:
        if self.full:
            raise OSError("full")
        super().save(snapshot)


class Bench:
    """Time stands still unless a test moves `now`."""

    def __init__(
        self, *, suites: tuple[int, ...] = (HYBRID,), packets: int = 64, seed: int = 1, store: MemoryStore | None = None, **options: Any
    ) -> None:
        rng = random.Random(seed)
        self.now = 0.0
        self.events: list[Event] = []
        self.frames: list[bytes] = []
        self.store = store or Store()
        self.settings = Settings(**{**SMALL, **options})
        self.hub = LocalHub(self.settings, rng.randbytes, self.store)
        self._reassembler = framing.Reassembler()
        self.device = Initiator(rng, suites, packets)

    # --- the hub

    @property
    def negotiation(self) -> Negotiation:
        """The running negotiation."""
        negotiation = self.hub.connection._window._negotiation
        assert negotiation is not None
        return negotiation

    def call(self, name: str, *arguments: Any) -> list[Event]:
        """Call an input; keep and return the events that are not fragments, collect the frames."""
        _, events = self.hub.call(name, *arguments, self.now)
        self.frames += frames_of(events, self._reassembler)
        told: list[Event] = [event for event in events if not isinstance(event, Transmit | Persist)]
        self.events += told
        return told

    def receive(self, raw: bytes) -> list[Event]:
        """Hand the hub a whole frame."""
        return [event for piece in framing.fragment(raw, PAYLOAD) for event in self.call("receive", piece)]

    def exchange(self, raw: bytes) -> bytes:
        """Hand the hub a frame and return the one frame that it answers."""
        before = len(self.frames)
        self.receive(raw)
        (answer,) = self.frames[before:]
        return answer

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass, with one timer call at the end."""
        self.now += seconds
        return self.call("timer")

    def told(self, kind: type[Event]) -> list[Any]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    # --- the steps of a pairing

    def open(self) -> None:
        """The user opens the window, the hub connects."""
        self.call("open_pairing")
        self.call("link_opened", PAYLOAD)

    def request(self) -> bytes:
        """REQ; return ACC, which the device has taken. The link is closed."""
        accept = self.exchange(self.device.request.frame)
        self.device.take(accept)
        self.call("link_closed")
        return accept

    def forge(self, numbers: Iterable[int], scanner: str = "here", value: bytes = bytes(20)) -> None:
        """Somebody sends other packets under these numbers."""
        for seq in numbers:
            self.call("random_packet", scanner, self.device.request.sid, seq, value)

    def hear(self, numbers: Iterable[int], scanner: str = "here") -> None:
        """Let a scanner hear some packets."""
        for seq in numbers:
            self.call("random_packet", scanner, self.device.request.sid, seq, self.device.random(seq))

    def respond(self, numbers: Iterable[int] = range(ENOUGH)) -> bytes:
        """Let the packets be heard, connect, return RSP."""
        self.hear(numbers)
        return self.connect()

    def respond_as(self, scanner: str, numbers: Iterable[int]) -> bytes:
        """As `respond`, heard by another scanner."""
        self.hear(numbers, scanner)
        return self.connect()

    def connect(self) -> bytes:
        """Open the link again; return what the hub says first."""
        before = len(self.frames)
        self.call("link_opened", PAYLOAD)
        return self.frames[before]

    def reach(self, step: int) -> list[bytes]:
        """Do the first `step` steps: 1 window, 2 REQ, 3 RSP, 4 ACK, 5 OPEN; return m1-m6 as far as they go."""
        said: list[bytes] = []
        self.open()
        if_more = (self._step_request, self._step_response, self._step_end, self._step_open)
        for step_on in if_more[: step - 1]:
            step_on(said)
        return said

    def _step_request(self, said: list[bytes]) -> None:
        said += [self.device.request.frame, self.request()]

    def _step_response(self, said: list[bytes]) -> None:
        said.append(self.respond())

    def _step_end(self, said: list[bytes]) -> None:
        ack = self.device.take(said[-1])
        said += [ack, self.exchange(ack)]

    def _step_open(self, said: list[bytes]) -> None:
        said.append(self.device.take(said[-1]))
        self.receive(said[-1])

    def pair(self, verdict: Verdict = Verdict.SAME) -> None:
        """Pair, and leave the link open; where no code is shown nobody is asked."""
        self.reach(5)
        if self.hub.connection.pairing:
            self.call("answer", verdict)


class Initiator:
    """The device's machine with its own secrets; `confess` lets it send an ACK of its own making."""

    def __init__(self, rng: random.Random, suites: tuple[int, ...], n_max: int) -> None:
        self.request = Request(IDENTITY, Parameters(suites, n_max=n_max), Secrets.draw(rng.randbytes))
        self.machine = DeviceNegotiation(self.request, rng.randbytes(16), 0)

    def take(self, raw: bytes) -> bytes:
        """Take a frame of the hub; return the answer (empty if there is none)."""
        while self.machine.next_random() is not None:  # all packets have been on the air by then
            pass
        answer: bytes | None = self.machine.receive(frames.decode(raw), 0)
        return answer or b""

    def random(self, seq: int) -> bytes:
        """R of a packet."""
        value: bytes = self.request.random(self.machine.suite, seq)
        return value

    def confess(self, response: bytes, members: list[int], choices: list[int]) -> bytes:
        """Return an ACK with a right MAC over any S' and choices."""
        agreement = Agreement(self.machine)
        self.machine.extend(frames.decode(response).head)
        agreement._members, agreement._choices = members, choices
        ack: bytes = agreement._acknowledge(0)
        return ack


def frames_of(events: Iterable[Event], reassembler: framing.Reassembler) -> list[bytes]:
    """Return the whole frames in what the hub says."""
    fed = (reassembler.feed(event.fragment) for event in events if isinstance(event, Transmit))
    return [frame for frame in fed if frame is not None]


def spoil(raw: bytes, at: int = -1) -> bytes:
    """Return the frame with one bit flipped."""
    data = bytearray(raw)
    data[at] ^= 1
    return bytes(data)


def any_frame(kind: FrameType) -> bytes:
    """Return a well-formed frame of a type with nothing but zeros in it."""
    sizes = {FrameType.REQ: 73, FrameType.ACC: 72, FrameType.R0: 32, FrameType.RNAK: 16, FrameType.NAK: 1, FrameType.R2: 72}
    message = bytearray(sizes.get(kind, 16))
    macs = {FrameType.REQ: 0, FrameType.ACC: 0, FrameType.R0: 0, FrameType.TAGS: 0, FrameType.NAK: 0, FrameType.RNAK: 0}
    size = macs.get(kind, 16)
    if kind is FrameType.R1:
        message = bytearray(16 + 16 + 1 + 8 + 64)
        message[32] = 1
    return Frame(kind, bytes(message), bytes(size)).encode()

"""A relay on a bench: a scripted hub on its peripheral side (`Bench`), scripted devices on its central side."""

from typing import Any

from self_secure_device import adverts, frames, keys
from self_secure_device.crypto import u16, u64
from self_secure_device.negotiation import Negotiation
from self_secure_device.relay.relay import Relay
from self_secure_device.request import Parameters, Request, Secrets
from self_secure_device.resume import Resume
from self_secure_device.session import INFO, RELAY, ROUTE, Session
from self_secure_device.suites import SUITES
from tests.device.bench import HUB, Bench

NOWHERE = bytes(16)
TTL = 4
RSSI = -60

type Said = tuple[int, bytes]  # type and body of a hop's message


class FarDevice:
    """A device beside the relay: its side of everything, by hand. `name` is one letter."""

    def __init__(self, name: str, suites: tuple[int, ...] = (0x11,), n_max: int = 2048) -> None:
        self.identity = name.encode() * 16
        self.short = self.identity[:4]
        self.address = f"C0:00:00:00:00:{ord(name):02X}"
        self.suites, self.n_max = suites, n_max
        self.session: Any
        self.machine: Any
        self.store = b""
        self.fresh()

    def fresh(self) -> None:
        """Draw a new request."""
        secrets = Secrets(self.identity, 7, self.identity * 2, b"q" * 32)
        self.request = Request(self.identity, Parameters(self.suites, n_max=self.n_max), secrets)
        self.machine = Negotiation(self.request, self.identity, 0)

    def beacon(self, state: int = 1, flags: int = 0) -> bytes:
        """Return what it advertises."""
        data: bytes = adverts.beacon(state, self.identity, flags)
        return data

    def packet(self, seq: int, value: bytes | None = None) -> bytes:
        """Return one random packet as it is advertised, a forged one with another content."""
        data: bytes = adverts.random_packet(self.request.sid, seq, value or self.request.random(SUITES[self.suites[0]], seq))
        return data

    def take(self, raw: bytes) -> bytes:
        """Take a frame of the negotiation; return the answer (empty if there is none)."""
        while self.machine.next_random() is not None:  # all packets have been on the air by then
            pass
        return self.machine.receive(frames.decode(raw), 0) or b""

    def begin(self) -> None:
        """Start the chains of the negotiated key."""
        root = self.machine.take_root()
        self.store = keys.store_key(root)
        self.session = Session(SUITES[self.machine.suite.suite_id], 0, root)


class Entry:
    """A key as a far device's resume wants it."""

    def __init__(self, far: FarDevice, session: Any) -> None:
        self.suite, self.epoch, self.store, self.session = SUITES[far.suites[0]], far.session.epoch, far.store, session


class RelayBench(Bench):
    """One device with a relay in it."""

    weak = False
    hub: Any  # HubSession, the scripted hub's chains

    def start(self, stored: bytes | None) -> None:
        """Start the program with its snapshots: nothing else survives."""
        self.wards: list[bytes] = getattr(self, "wards", [])
        self.full = False
        super().start(stored)
        self.relay = Relay(self.device, self.wards[-1] if self.wards else None, self._save, self.weak)

    def _save(self, data: bytes) -> None:
        if self.full:
            raise OSError("disk full")
        self.wards.append(data)

    def pass_time(self, milliseconds: int) -> list[bytes]:
        """Let time pass, stopping at every deadline; return what the device says to its hub."""
        end = self.now + milliseconds
        said: list[bytes] = []
        while (due := self._due()) is not None and due <= end:
            self.now = max(self.now, due)
            said += self.poll()
        self.now = end
        return said + self.poll()

    def _due(self) -> int | None:
        times = [part.deadline for part in (self.device, self.relay) if part.deadline is not None]
        return min(times, default=None)

    def poll(self) -> list[bytes]:
        """Do what is due; return what the device says to its hub."""
        self.device.poll(self.now)
        self.relay.poll(self.now)
        return self.sent()

    # --- the central side

    def hear(self, far: FarDevice, data: bytes | None = None, rssi: int = RSSI) -> None:
        """Let the relay hear an advertisement, the device's beacon if nothing else is given."""
        self.relay.heard(far.address, rssi, far.beacon() if data is None else data, self.now)

    @property
    def wanted(self) -> list[str]:
        """Addresses that the relay wants to be connected to, after what is due."""
        self.said += self.take_all(self.poll())
        addresses: list[str] = self.relay.wanted
        return addresses

    def link(self, far: FarDevice) -> list[bytes]:
        """Connect the relay with a device; return the frames that it writes."""
        self.relay.linked(far.address, 247, self.now)
        return self.written(far)

    def unlink(self, far: FarDevice) -> None:
        """End that connection."""
        self.relay.unlinked(far.address, self.now)

    def written(self, far: FarDevice) -> list[bytes]:
        """Return the frames that the relay has written to a device."""
        assembler, out = frames.Assembler(), []
        while (fragment := self.relay.next_fragment(far.address)) is not None:
            whole = assembler.feed(fragment)
            out += [whole] if whole is not None else []
        return out

    def notify(self, far: FarDevice, raw: bytes) -> list[bytes]:
        """Let a device say a frame; return what the relay writes."""
        for fragment in frames.fragments(raw, 244):
            self.relay.received(far.address, fragment, self.now)
        return self.written(far)

    # --- steps with the hub

    def with_hub(self, identity: bytes = HUB) -> None:
        """Pair with a hub; it is connected, and has the first list of neighbours."""
        self.hub = self.pair(identity)
        self.ids = 1
        self.lists: list[Said] = []
        self.said: list[Said] = []
        assert self.take_all(self.poll()) == []

    def ask(self, kind: int, body: bytes) -> list[Said]:
        """Let the hub send a message; return the messages that come in return."""
        self.ids += 1
        self.hub.sender.load(bytes([kind]) + u64(self.hub.epoch << 32 | self.ids) + body)
        return self.take_all(self.give(self.hub.sender.attempt(b"R" * 16, self.now)))

    def take_all(self, said: list[bytes]) -> list[Said]:
        """Take the device's frames, acknowledge its messages until it has no more; return them, but keep lists in `lists`."""
        found: list[Said] = []
        while said:
            frame = frames.decode(said.pop(0))
            stored = self.hub.receiver.repeated(frame)
            if frame.kind == frames.DACK:
                self.hub.sender.acknowledge(frame)
            elif stored is not None:  # time has passed, it was sent again
                said += self.give(stored)
            else:
                kind, _, body, dack = self.accept(self.hub, frame.raw)
                (self.lists if kind == INFO else found).append((kind, body))
                said += self.give(dack)
        return found

    def route(self, path: int, identity: bytes) -> list[Said]:
        """Let the hub open or withdraw a path."""
        return self.ask(ROUTE, u16(path) + identity)

    def carry(self, path: int, inner: bytes, ttl: int = TTL) -> list[Said]:
        """Let the hub send an inner frame."""
        return self.ask(RELAY, u16(path) + bytes([ttl]) + inner)

    def heard_by_hub(self, milliseconds: int = 0) -> list[Said]:
        """Let time pass; return the messages that the hub gets, and those that it has got since it was last asked."""
        said, self.said = self.said + self.take_all(self.pass_time(milliseconds)), []
        return said

    # --- steps with a far device

    def hop(self, far: FarDevice, kind: int, body: bytes) -> list[Said]:
        """Let a ward send a message over its hop; return the relay's messages in return."""
        far.session.sender.load(bytes([kind]) + u64(far.session.next_number()) + body)
        return self.hop_all(far, self.notify(far, far.session.sender.attempt(b"W" * 16, self.now)))

    def hop_all(self, far: FarDevice, written: list[bytes]) -> list[Said]:
        """Take what the relay has written to a ward, acknowledge its messages; return them."""
        found: list[Said] = []
        while written:
            frame = frames.decode(written.pop(0))
            if frame.kind == frames.DACK:
                far.session.sender.acknowledge(frame)
            else:
                accepted = far.session.receiver.open(frame, b"B" * 16)
                far.session.receiver.commit(accepted)
                found.append((accepted.kind, accepted.body))
                written += self.notify(far, accepted.dack)
        return found

    def collected(self, far: FarDevice, count: int = 80) -> bytes:
        """Let a path ask for a device, run REQ, ACC and the broadcast; return the ACC."""
        self.hear(far)
        assert self.route(1, far.identity) == []
        assert self.wanted == [far.address]
        assert self.link(far) == []
        [accept] = self.notify(far, far.request.frame)
        far.take(accept)
        assert self.wanted == []
        self.unlink(far)
        for seq in range(count):
            self.hear(far, far.packet(seq))
        self.now += 1_000
        return accept

    def adopt(self, far: FarDevice) -> list[Said]:
        """Let the relay adopt a device for path 1; return what it says over the hop, VERIFIED and ROUTE."""
        self.collected(far)
        assert self.wanted == [far.address]
        [response] = self.link(far)
        [end] = self.notify(far, far.take(response))
        written = self.notify(far, far.take(end))
        far.begin()
        return self.hop_all(far, written)

    def opened(self, far: FarDevice) -> bytes:
        """Adopt a device and let it confirm path 1; return its number on the hop."""
        [_, (kind, body)] = self.adopt(far)
        assert (kind, body[2:]) == (ROUTE, far.identity)
        assert self.hop(far, ROUTE, body) == []
        assert self.heard_by_hub() == [(ROUTE, u16(1) + far.identity)]
        return body[:2]

    def renew(self, far: FarDevice, written: list[bytes], *, live: bool = True) -> list[Said]:
        """Answer R0 as a ward; return what comes over the new chains."""
        resume = Resume()
        [hello] = written
        entry = Entry(far, far.session if live else None)
        [r2] = self.notify(far, resume.answer(frames.decode(hello), [entry], b"i" * 16, b"k" * 32))
        renewal = resume.renew(frames.decode(r2))
        far.session, far.store = renewal.session, renewal.store
        return self.hop_all(far, self.notify(far, renewal.frame))


def rows(said: list[Said]) -> list[tuple[bytes, int, int, int]]:
    """Return the neighbours in the last list that a hub got: short id, state and flags, signal strength, hops."""
    _, body = said[-1]
    assert (body[0], body[1]) == (5, len(body) - 2)
    return [(body[at : at + 4], body[at + 4], body[at + 5] - 256, body[at + 6]) for at in range(2, len(body), 7)]

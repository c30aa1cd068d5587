"""The hub's side of a group, made of the device's own primitives: keys through a chain, frames, receipts."""

from typing import Any

from self_secure_device import frames
from self_secure_device.crypto import counter_mode, expand, hmac, tag, u16, u32
from tests.device.bench import Bench
from tests.device.household import Member
from tests.device.responder import HubSession

GROUP_KEY, GROUP_SYNC, INFO, TEXT, READINGS = 8, 9, 6, 2, 1
SECRET = b"G" * 32


class GroupHub:
    """One version of one group, over the link that is open."""

    def __init__(self, bench: Bench, session: HubSession, gid: int = 7, version: int = 1, secret: bytes = SECRET) -> None:
        self.bench, self.session = bench, session
        self.gid, self.version, self._first = gid, version, secret
        self.ids = 1  # VERIFIED was 1
        self.n = 0

    def key(self, n: int) -> bytes:
        """Return GCK_n."""
        key = self._first
        for _ in range(n):
            key = hmac(key, b"SSC1 gstep")
        return key

    def place(self, n: int) -> bytes:
        """Return g."""
        return bytes(u16(self.gid) + u32(self.version) + u32(n))

    def seal(self, n: int, text: bytes) -> bytes:
        """Return the frame of a message: its type and body."""
        g, key = self.place(n), self.key(n)
        sealed = counter_mode(expand(key, b"SSC1 genc" + g), text)
        head = frames.encode_head(frames.GROUP, g[:6] + sealed, 0, n)
        return bytes(head + tag(expand(key, b"SSC1 gmac" + g), head[: frames.HEADER_BYTES], g, sealed))

    def say(self, kind: int, body: bytes) -> list[bytes]:
        """Send a message through the chain; return the frames behind its DACK."""
        self.ids += 1
        dack, *more = self.bench.tell(self.session, kind, self.session.epoch << 32 | self.ids, body)
        self.session.sender.acknowledge(frames.decode(dack))
        return more

    def offer(self, n: int = 0) -> list[bytes]:
        """Send GROUP_KEY; return what the device says of it."""
        return self.say(GROUP_KEY, self.place(n) + self.key(n))

    def take(self, data: bytes) -> tuple[int, bytes]:
        """Take one DATA of the device and acknowledge it; return type and body."""
        kind, _, body = self.bench.take(self.session, data)
        return kind, body

    def tell(self, text: str, n: int | None = None) -> list[tuple[int, bytes]]:
        """Send a text as message ``n``, or the next; return what the device says of it."""
        n = self.n if n is None else n
        self.n = n + 1
        return [self.take(data) for data in self.bench.give(self.seal(n, bytes([TEXT]) + text.encode()))]

    def receipt(self, n: int) -> tuple[int, bytes]:
        """Return the receipt of message ``n``."""
        return INFO, bytes([6, 10]) + self.place(n)

    def sync(self, version: int) -> tuple[int, bytes]:
        """Return the question for a key."""
        return GROUP_SYNC, u16(self.gid) + u32(version)


def paired(**options: Any) -> GroupHub:
    """Return a group of a device that has paired with one hub; the link is open, no key was sent."""
    bench = Bench()
    return GroupHub(bench, bench.pair(), **options)


def of_member(member: Member, gid: int = 7, secret: bytes = SECRET) -> GroupHub:
    """Return a group of one of several hubs, whose link is open."""
    hub = GroupHub(member.bench, member.session, gid, 1, secret)
    hub.ids = member.ids
    return hub

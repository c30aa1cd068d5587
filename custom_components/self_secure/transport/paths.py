"""Paths through a relay (protocol.md 10): links whose frames travel inside the messages of another device."""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
from dataclasses import dataclass, field
import logging
from typing import Final, override

from ..protocol.errors import LocalError, MalformedError
from ..protocol.events import MessageType
from ..protocol.framing import Reassembler, fragment
from ..protocol.limits import HEADER_SIZE, IDENTITY_SIZE, INNER_FRAME_MAX, RANDOM_SIZE, RELAY_TTL, U16_MAX
from ..protocol.packets import FrameType
from .beacon import SHORT_ID_SIZE, RandomPacket
from .link import PAYLOAD_MAX, Link, LinkError, LinkErrorKind

_LOGGER = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 65.0  # a relay says within 60 s whether a path is there: it connects, and may have to make a key first
PARK_SECONDS: Final = 5.0  # a path outlives its last use: the next contact often follows at once
PARK_STEP: Final = 0.5  # s between looks whether a broadcast still comes over it
NOWHERE: Final = bytes(IDENTITY_SIZE)
EARLY_MAX: Final = 4  # frames kept for who is about to use the path: as many as a relay keeps; more are repeats
_NUMBER: Final = 2  # bytes of a path's number
_HEAD: Final = _NUMBER + 1  # and ttl
_RANDOM: Final = 3 + RANDOM_SIZE  # sid, Seq, R

type Send = Callable[[int, bytes], Awaitable[int]]
type OnRandom = Callable[[int, int, bytes], None]


@dataclass(slots=True)
class Far:
    """The device at the far end of a path: what is known of it, and who listens to it.

    `identity` has 16 bytes, or the short id and zeros as long as the device has not told it.
    """

    identity: Callable[[], bytes]
    on_random: OnRandom  # gets sid, Seq and R of each random packet that the relay heard
    is_broadcasting: Callable[[], bool]  # whether random packets are expected: the path has to stay although the link is closed
    on_knock: Callable[[], None]  # the device says something over a path that nobody uses just now
    on_lost: Callable[[], None]  # a path to the device is gone, and it was not we who withdrew it


@dataclass(slots=True)
class _Path:
    number: int
    far: Far
    answered: asyncio.Future[bytes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    link: PathLink | None = None
    parking: asyncio.Task[None] | None = None
    early: list[bytes] = field(default_factory=list)  # frames for the next link

    @property
    def is_open(self) -> bool:
        return self.answered.done() and not self.answered.cancelled() and self.answered.result() != NOWHERE


class Paths:
    """All paths over one relay.

    Args:
        send: queues a message for the relay; raises `LocalError`.
        name: of the relay, for the log.
    """

    def __init__(self, send: Send, name: str) -> None:
        self._send, self._name = send, name
        self._paths: dict[int, _Path] = {}
        self._last = 0
        self._withdrawing: set[asyncio.Task[None]] = set()

    @property
    def in_use(self) -> bool:
        """Whether there is a path: the relay's own link is worth keeping."""
        return bool(self._paths)

    def leads_to(self, identity: bytes) -> bool:
        """Whether there is an open path to a device, by the first bytes of its identity."""
        return any(path.is_open and path.far.identity().startswith(identity) for path in self._paths.values())

    def link(self, far: Far) -> PathLink:
        """Return a link to a device behind this relay."""
        return PathLink(self, far)

    # --- what the relay says

    def receive(self, message_type: int, body: bytes) -> None:
        """Take a ROUTE or RELAY of this relay; what does not fit is dropped."""
        number = int.from_bytes(body[:_NUMBER])
        path = self._paths.get(number)
        if path is None:
            self._on_stray(number, message_type, body[_NUMBER:])
        elif message_type == MessageType.ROUTE and len(body) == _NUMBER + IDENTITY_SIZE:
            self._on_answer(path, body[_NUMBER:])
        elif message_type == MessageType.RELAY and len(body) > _HEAD + HEADER_SIZE:
            self._on_frame(path, body[_HEAD:])

    def _on_stray(self, number: int, message_type: int, rest: bytes) -> None:
        """The relay may have opened a path that is not wanted any more: it would stay connected with the device for it."""
        _LOGGER.debug("%s: message of a path that is not there", self._name)
        if message_type == MessageType.ROUTE and rest != NOWHERE:
            self._withdraw_soon(number)

    def _on_answer(self, path: _Path, identity: bytes) -> None:
        if not path.answered.done():
            path.answered.set_result(identity)
        elif identity == NOWHERE:
            self._drop(path)

    def _on_frame(self, path: _Path, frame: bytes) -> None:
        if frame[0] == FrameType.RAND:
            self._on_random(path, frame[HEADER_SIZE:])
        elif path.link is not None:
            path.link.on_frame(frame)
        elif path.is_open and len(path.early) < EARLY_MAX:
            path.early.append(frame)
            path.far.on_knock()

    @staticmethod
    def _on_random(path: _Path, packets: bytes) -> None:
        for at in range(0, len(packets) - _RANDOM + 1, _RANDOM):
            with contextlib.suppress(MalformedError):
                packet = RandomPacket(packets[at], int.from_bytes(packets[at + 1 : at + 3]), packets[at + 3 : at + _RANDOM])
                path.far.on_random(packet.sid, packet.seq, packet.value)

    def cut(self) -> None:
        """The relay is gone, and with it all that ran through it."""
        for path in tuple(self._paths.values()):
            self._drop(path)

    def _drop(self, path: _Path) -> None:
        self._forget(path)
        if not path.answered.done():
            path.answered.set_result(NOWHERE)
            return
        link, path.link = path.link, None
        if link is not None:
            link.on_lost()
        path.far.on_lost()

    def _forget(self, path: _Path) -> None:
        self._paths.pop(path.number, None)
        if path.parking is not None:
            path.parking.cancel()

    # --- what a link asks

    async def enter(self, link: PathLink) -> _Path:
        """Return the path that leads to the far end of `link`, opened now or still open from before; raises `LinkError`."""
        wanted = link.far.identity()[:SHORT_ID_SIZE]
        path = next(
            (one for one in self._paths.values() if one.is_open and one.link is None and one.far.identity().startswith(wanted)), None
        )
        if path is None:
            path = await self._open(link.far)
        if path.parking is not None:
            path.parking.cancel()
            path.parking = None
        path.link, path.far = link, link.far
        return path

    def hand_early(self, path: _Path) -> None:
        """Give the link what the device has said before it was there."""
        early, path.early = path.early, []
        for frame in early:
            if path.link is not None:
                path.link.on_frame(frame)

    async def _open(self, far: Far) -> _Path:
        path = _Path(self._next_number(), far)
        self._paths[path.number] = path
        try:
            await self.say(MessageType.ROUTE, path.number, far.identity())
            async with asyncio.timeout(ANSWER_SECONDS):
                identity = await path.answered
        except TimeoutError as error:
            self._forget(path)
            self._withdraw_soon(path.number)
            raise LinkError(LinkErrorKind.TIMEOUT, f"{self._name} did not say whether there is a path") from error
        except LinkError:
            self._forget(path)
            raise
        except asyncio.CancelledError:
            self._forget(path)
            self._withdraw_soon(path.number)
            raise
        if identity[:SHORT_ID_SIZE] != far.identity()[:SHORT_ID_SIZE]:
            self._forget(path)
            raise LinkError(LinkErrorKind.NOT_FOUND, f"{self._name} cannot reach the device")
        return path

    def _next_number(self) -> int:
        """Return a number that no path has; 0 is none."""
        while True:
            self._last = self._last % U16_MAX + 1
            if self._last not in self._paths:
                return self._last

    async def say(self, message_type: MessageType, number: int, rest: bytes) -> None:
        """Queue a ROUTE or RELAY; raises `LinkError`."""
        try:
            await self._send(message_type, number.to_bytes(_NUMBER) + rest)
        except LocalError as error:
            raise LinkError(LinkErrorKind.LOST, f"{self._name} takes nothing more: {error}") from error

    def _withdraw_soon(self, number: int) -> None:
        withdrawing = asyncio.create_task(self._withdraw(number), name=f"self_secure end of path {number} of {self._name}")
        self._withdrawing.add(withdrawing)
        withdrawing.add_done_callback(self._withdrawing.discard)

    async def _withdraw(self, number: int) -> None:
        with contextlib.suppress(LinkError):
            await self.say(MessageType.ROUTE, number, NOWHERE)

    def leave(self, path: _Path) -> None:
        """The link is closed; the path is given up when nothing comes over it any more."""
        path.link = None
        if path.number in self._paths:
            path.parking = asyncio.create_task(self._park(path), name=f"self_secure path {path.number} of {self._name}")

    async def _park(self, path: _Path) -> None:
        await asyncio.sleep(PARK_SECONDS)
        while path.far.is_broadcasting():  # noqa: ASYNC110  # the protocol has no callback for it
            await asyncio.sleep(PARK_STEP)
        path.parking = None
        self._forget(path)
        await self._withdraw(path.number)

    async def stop(self) -> None:
        """Give all paths up without a word: the relay's own connection ends."""
        waiting = [path.parking for path in self._paths.values() if path.parking is not None]
        self.cut()
        await asyncio.gather(*waiting, *self._withdrawing, return_exceptions=True)


class PathLink(Link):
    """One use of a path, as the client of the far device sees it: fragments on this side, whole frames on the other."""

    def __init__(self, paths: Paths, far: Far) -> None:
        """Lead through the relay of `paths` to `far`."""
        self.far = far
        self._paths = paths
        self._path: _Path | None = None
        self._reassembler = Reassembler()
        self._received: Callable[[bytes], None]
        self._closed: Callable[[], None]

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        self._received, self._closed = received, closed
        self._path = await self._paths.enter(self)
        self._paths.hand_early(self._path)
        return PAYLOAD_MAX

    @override
    async def write(self, fragment: bytes) -> None:
        if self._path is None or self._path.link is not self:
            raise LinkError(LinkErrorKind.LOST, "the path is gone")
        frame = self._reassembler.feed(fragment)
        if frame is None:
            return
        if len(frame) > INNER_FRAME_MAX:
            raise LinkError(LinkErrorKind.UNSUPPORTED, f"a frame of {len(frame)} bytes does not fit through a relay")
        await self._paths.say(MessageType.RELAY, self._path.number, bytes([RELAY_TTL]) + frame)

    @override
    async def close(self) -> None:
        path, self._path = self._path, None
        if path is not None and path.link is self:
            self._paths.leave(path)

    def on_frame(self, frame: bytes) -> None:
        """Take a frame that came over the path; one that is too long for any frame is dropped."""
        if len(frame) <= INNER_FRAME_MAX:
            for piece in fragment(frame, PAYLOAD_MAX):
                self._received(piece)

    def on_lost(self) -> None:
        """The path is gone."""
        self._closed()

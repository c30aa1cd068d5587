"""Frames that look right, made of what anybody on the air could know: sizes, numbers, nonces and identities, but no key."""

from collections.abc import Callable
import random
from typing import Final

from custom_components.self_secure.protocol import limits, sets
from custom_components.self_secure.protocol.packets import (
    Acceptance,
    Challenge,
    Frame,
    FrameType,
    NakReason,
    Offer,
    Request,
    ResumeEntry,
    Selection,
)

from .air import Air
from .profile import DEVICE_ID, HUB_ID, INTERVAL, MINIMUM, N_MAX

HEAD: Final = 8
DACK_SIZE: Final = 16
type Maker = Callable[[], Frame]


class Forger:
    """Makes a well-formed frame of any type; every MAC is a guess."""

    def __init__(self, suite_id: int, air: Air, rng: random.Random) -> None:
        self._suite, self._air, self._rng = suite_id, air, rng
        self._makers: Final[dict[FrameType, Maker]] = {
            FrameType.REQ: self._request,
            FrameType.ACC: self._acceptance,
            FrameType.RAND: lambda: Frame(FrameType.RAND, self._bytes(24), self._mac()),
            FrameType.RSP: self._response,
            FrameType.ACK: lambda: Frame(FrameType.ACK, self._set() + self._bytes(32), self._mac()),
            FrameType.END: lambda: Frame(FrameType.END, self._bytes(16), self._mac()),
            FrameType.OPEN: lambda: Frame(FrameType.OPEN, self._bytes(16), self._mac()),
            FrameType.TAGS: lambda: Frame(FrameType.TAGS, rng.choice((b"", self._bytes(40))), seq=rng.randrange(2)),
            FrameType.NAK: lambda: Frame(FrameType.NAK, bytes([rng.choice([*NakReason, 0, 9])])),
            FrameType.DATA: self._data,
            FrameType.DACK: self._dack,
            FrameType.GROUP: lambda: Frame(FrameType.GROUP, self._bytes(40), self._mac(), rng.randrange(9)),
            FrameType.R0: lambda: Challenge(self._bytes(16), rng.choice((HUB_ID, self._bytes(16)))).encode(),
            FrameType.R1: self._offer,
            FrameType.R2: self._selection,
            FrameType.R3: lambda: Frame(FrameType.R3, b"", self._mac()),
            FrameType.RNAK: lambda: Frame(FrameType.RNAK, self._seen("R1", 8, 16)),
        }

    def frame(self, kind: FrameType) -> bytes:
        """Return a frame of this type."""
        return self._makers[kind]().encode()

    # --- what is known

    def _bytes(self, size: int) -> bytes:
        return self._rng.randbytes(size)

    def _mac(self) -> bytes:
        return self._bytes(limits.MAC_SIZE)

    def _seen(self, name: str, start: int, size: int) -> bytes:
        """Return a field of the newest frame of this type, now and then a guess."""
        frames = [data for (_, kind), data in self._air.last.items() if kind == name]
        known = frames[0][start : start + size] if frames else b""
        return known if len(known) == size and self._rng.random() < 0.8 else self._bytes(size)  # mostly the right value

    def _number(self, name: str) -> tuple[int, int]:
        """Return (Retran, Seq) near those of the newest frame of this type."""
        header = self._seen(name, 0, HEAD)
        step = self._rng.choice((0, 0, 1, -1))
        return header[1] % 8, max(0, int.from_bytes(header[4:]) + step) % limits.U32_MAX

    def _set(self) -> bytes:
        return sets.encode(sorted(self._rng.sample(range(N_MAX), MINIMUM + 2)))

    # --- frames

    def _request(self) -> Frame:
        rng = self._rng
        public = self._bytes(32) if self._suite & 0x10 else bytes(32)
        identity = rng.choice((DEVICE_ID, self._bytes(16)))
        suites = bytes(rng.choice(([self._suite], [self._suite, 0x7F], [0x01])))
        return Request(suites, identity, self._bytes(16), rng.randrange(256), N_MAX, INTERVAL, 15, public).encode()

    def _acceptance(self) -> Frame:
        public = self._bytes(32) if self._suite & 0x10 else bytes(32)
        suite = self._rng.choice((self._suite, 0x01, 0x7F))
        n_max = self._rng.choice((N_MAX, N_MAX, limits.N_MAX_LIMIT))
        return Acceptance(suite, self._rng.choice((HUB_ID, self._bytes(16))), self._bytes(16), public, MINIMUM, 4, 20, n_max).encode()

    def _response(self) -> Frame:
        conflicts = self._rng.choice((b"\x00", b"\x01\x00\x01\x02" + self._bytes(4)))
        return Frame(FrameType.RSP, self._set() + conflicts, self._mac())

    def _data(self) -> Frame:
        retran, seq = self._number("DATA")
        size = self._rng.choice((25, 40, 80, 3))
        return Frame(FrameType.DATA, self._bytes(size), self._mac(), seq, retran)

    def _dack(self) -> Frame:
        retran, seq = self._number(self._rng.choice(("DATA", "DACK")))
        return Frame(FrameType.DACK, self._bytes(DACK_SIZE), self._mac(), seq, retran)

    def _offer(self) -> Frame:
        count = self._rng.randrange(1, limits.RESUME_ENTRIES_MAX + 1)
        epoch, kid = self._seen("R1", 41, 4), self._seen("R1", 45, 4)
        entries = [ResumeEntry(int.from_bytes(epoch), kid), *(ResumeEntry(number, self._bytes(4)) for number in range(count - 1))]
        frame = Offer(self._bytes(16), self._seen("R0", 8, 16), tuple(entries), self._bytes(32), self._bytes(32)).encode()
        return Frame(FrameType.R1, frame.message, b"".join(self._mac() for _ in entries))

    def _selection(self) -> Frame:
        common = int.from_bytes(self._seen("R1", 41, 4))
        epoch = min(common + self._rng.randrange(1, 3), limits.U32_MAX)
        frame = Selection(common, epoch, self._bytes(32), self._bytes(32)).encode()
        return Frame(FrameType.R2, frame.message, self._mac())

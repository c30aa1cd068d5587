"""Frames that look right, made of what anybody on the air could know: sizes, numbers, nonces and identities, but no key."""

from collections.abc import Callable
import random
from typing import Final, Protocol

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

from .profile import DEVICE_ID, HUB_ID, INTERVAL, MINIMUM, N_MAX

HEAD: Final = 8
DACK_SIZE: Final = 16
type Maker = Callable[[], Frame]


class Seen(Protocol):
    """What a forger knows of the air: the newest frame of each way and type."""

    last: dict[tuple[str, str], bytes]


class Forger:
    """Makes a well-formed frame of any type; every MAC is a guess."""

    def __init__(self, suite_id: int, air: Seen, rng: random.Random, identity: bytes = DEVICE_ID) -> None:
        self._suite, self._identity, self._air, self.rng = suite_id, identity, air, rng
        self._makers: Final[dict[FrameType, Maker]] = {
            FrameType.REQ: self._request,
            FrameType.ACC: self._acceptance,
            FrameType.RAND: lambda: Frame(FrameType.RAND, self.random_bytes(24), self.random_mac()),
            FrameType.RSP: self._response,
            FrameType.ACK: lambda: Frame(FrameType.ACK, self._set() + self.random_bytes(32), self.random_mac()),
            FrameType.END: lambda: Frame(FrameType.END, self.random_bytes(16), self.random_mac()),
            FrameType.OPEN: lambda: Frame(FrameType.OPEN, self.random_bytes(16), self.random_mac()),
            FrameType.TAGS: lambda: Frame(FrameType.TAGS, rng.choice((b"", self.random_bytes(40))), seq=rng.randrange(2)),
            FrameType.NAK: lambda: Frame(FrameType.NAK, bytes([rng.choice([*NakReason, 0, 9])])),
            FrameType.DATA: self._data,
            FrameType.DACK: self._dack,
            FrameType.GROUP: lambda: Frame(FrameType.GROUP, self.random_bytes(40), self.random_mac(), rng.randrange(9)),
            FrameType.R0: lambda: Challenge(self.random_bytes(16), rng.choice((HUB_ID, self.random_bytes(16)))).encode(),
            FrameType.R1: self._offer,
            FrameType.R2: self._selection,
            FrameType.R3: lambda: Frame(FrameType.R3, b"", self.random_mac()),
            FrameType.RNAK: lambda: Frame(FrameType.RNAK, self.seen("R1", 8, 16)),
        }

    def frame(self, kind: FrameType) -> bytes:
        """Return a frame of this type."""
        return self._makers[kind]().encode()

    # --- what is known

    def random_bytes(self, size: int) -> bytes:
        """Return a guess."""
        return self.rng.randbytes(size)

    def random_mac(self) -> bytes:
        """Return a guessed MAC."""
        return self.random_bytes(limits.MAC_SIZE)

    def seen(self, name: str, start: int, size: int) -> bytes:
        """Return a field of the newest frame of this type, now and then a guess."""
        frames = [data for (_, kind), data in self._air.last.items() if kind == name]
        known = frames[0][start : start + size] if frames else b""
        return known if len(known) == size and self.rng.random() < 0.8 else self.random_bytes(size)  # mostly the right value

    def number_near(self, name: str) -> tuple[int, int]:
        """Return (Retran, Seq) near those of the newest frame of this type."""
        header = self.seen(name, 0, HEAD)
        step = self.rng.choice((0, 0, 1, -1))
        return header[1] % 8, max(0, int.from_bytes(header[4:]) + step) % limits.U32_MAX

    def _set(self) -> bytes:
        return sets.encode(sorted(self.rng.sample(range(N_MAX), MINIMUM + 2)))

    # --- frames

    def _request(self) -> Frame:
        rng = self.rng
        suites = bytes(rng.choice(([self._suite], [self._suite, 0x7F], [0x01])))
        public = self.random_bytes(32) if max(suites) & 0x10 else bytes(32)
        identity = rng.choice((self._identity, self.random_bytes(16)))
        return Request(suites, identity, self.random_bytes(16), rng.randrange(256), N_MAX, INTERVAL, 15, public).encode()

    def _acceptance(self) -> Frame:
        public = self.random_bytes(32) if self._suite & 0x10 else bytes(32)
        suite = self.rng.choice((self._suite, 0x01, 0x7F))
        n_max = self.rng.choice((N_MAX, N_MAX, limits.N_MAX_LIMIT))
        return Acceptance(
            suite, self.rng.choice((HUB_ID, self.random_bytes(16))), self.random_bytes(16), public, MINIMUM, 4, 20, n_max
        ).encode()

    def _response(self) -> Frame:
        conflicts = self.rng.choice((b"\x00", b"\x01\x00\x01\x02" + self.random_bytes(4)))
        return Frame(FrameType.RSP, self._set() + conflicts, self.random_mac())

    def _data(self) -> Frame:
        retran, seq = self.number_near("DATA")
        size = self.rng.choice((25, 40, 80, 3))
        return Frame(FrameType.DATA, self.random_bytes(size), self.random_mac(), seq, retran)

    def _dack(self) -> Frame:
        retran, seq = self.number_near(self.rng.choice(("DATA", "DACK")))
        return Frame(FrameType.DACK, self.random_bytes(DACK_SIZE), self.random_mac(), seq, retran)

    def _offer(self) -> Frame:
        count = self.rng.randrange(1, limits.RESUME_ENTRIES_MAX + 1)
        epoch, kid = self.seen("R1", 41, 4), self.seen("R1", 45, 4)
        entries = [
            ResumeEntry(int.from_bytes(epoch), kid),
            *(ResumeEntry(number, self.random_bytes(4)) for number in range(count - 1)),
        ]
        frame = Offer(self.random_bytes(16), self.seen("R0", 8, 16), tuple(entries), self.random_bytes(32), self.random_bytes(32)).encode()
        return Frame(FrameType.R1, frame.message, b"".join(self.random_mac() for _ in entries))

    def _selection(self) -> Frame:
        common = int.from_bytes(self.seen("R1", 41, 4))
        epoch = min(common + self.rng.randrange(1, 3), limits.U32_MAX)
        frame = Selection(common, epoch, self.random_bytes(32), self.random_bytes(32)).encode()
        return Frame(FrameType.R2, frame.message, self.random_mac())

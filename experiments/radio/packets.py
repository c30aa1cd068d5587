"""What is sent: advertisements with the layout of our random packets (protocol.md 3), whose 20 bytes say which run they belong to."""

from dataclasses import dataclass
import struct
from typing import Self

HEAD = bytes.fromhex("0201061bffffff52")  # Flags, company 0xFFFF, type RAND
MARK = b"SSC-fig7"  # tells them from random packets of a device that pairs nearby
_LAYOUT = struct.Struct(">BH8sIHHHH")  # sid, Seq, mark, session, run, runs, packets, interval
SIZE = len(HEAD) + _LAYOUT.size  # 31 bytes


@dataclass(frozen=True, slots=True)
class TestPacket:
    """One packet of one run; `session` is drawn by the sender, `runs` and `packets` are counts, `interval` is in ms."""

    __test__ = False  # its name begins as those that pytest collects

    session: int
    run: int
    runs: int
    packets: int
    interval: int
    seq: int

    def encode(self) -> bytes:
        """Return the advertisement's 31 bytes."""
        sid = self.run & 0xFF
        return HEAD + _LAYOUT.pack(sid, self.seq, MARK, self.session, self.run, self.runs, self.packets, self.interval)

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """Return the packet, or None when these bytes are anything else."""
        if len(data) != SIZE or not data.startswith(HEAD):
            return None
        _, seq, mark, session, run, runs, packets, interval = _LAYOUT.unpack_from(data, len(HEAD))
        return cls(session, run, runs, packets, interval, seq) if mark == MARK and seq < packets and run < runs else None

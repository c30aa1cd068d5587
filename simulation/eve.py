"""Eve: somebody at another place who records every advertisement that she receives."""

from collections import deque
from dataclasses import dataclass
import json
from pathlib import Path
import time
from typing import TextIO

from simulation.advertising import AdvertisingEvent

MAX_RECORDS = 200_000
"""About an hour and a half of three devices at 30 ms and 60 MB; older records leave memory (the file keeps them)."""


@dataclass(frozen=True, slots=True)
class Overheard:
    """One advertisement that Eve received: Unix time in seconds, advertiser, payload, strength in dBm."""

    time: float
    address: str
    data: bytes
    rssi: int

    def encode(self) -> dict[str, object]:
        """As JSON: the payload in hexadecimal."""
        return {"time": round(self.time, 6), "address": self.address, "data": self.data.hex(), "rssi": self.rssi}


class Eve:
    """A passive listener; `path`, if any, gets one JSON line per packet, added to what it holds.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.records: deque[Overheard] = deque(maxlen=MAX_RECORDS)
        self.count = 0
        self.path = path
        self._file: TextIO | None = path.open("a", buffering=1, encoding="utf-8") if path else None

    def on_advertisement(self, event: AdvertisingEvent, rssi: int) -> None:
        """Record one packet."""
        heard = Overheard(time.time(), event.address.to_string(with_type_qualifier=False), event.data, rssi)
        self.count += 1
        self.records.append(heard)
        if self._file:
            self._file.write(json.dumps(heard.encode()) + "\n")

    def page(self, start: int, count: int) -> list[dict[str, object]]:
        """Records number `start` on (0 is the first ever), at most `count`; those that left memory are skipped."""
        oldest = self.count - len(self.records)
        first = max(0, start - oldest)
        return [self.records[i].encode() for i in range(first, min(first + count, len(self.records)))]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

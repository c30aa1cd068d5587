"""The memory of a running program of the demo, as the kernel shows it to whoever started the program."""

from contextlib import suppress
from pathlib import Path
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A line of /proc/PID/maps: a region that can be read.
REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r")

#: Regions of the kernel's own, which nobody can read so.
KERNEL = ("[vvar", "[vsyscall]")


def regions(pid: int) -> Iterator[bytes]:
    """Yield the contents of each readable region; OSError when the program has ended, or belongs to somebody else."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            if (found := REGION.match(line)) and not any(name in line for name in KERNEL):
                start, end = (int(digits, 16) for digits in found.groups())
                with suppress(OSError):  # a region may be gone by now, and a device's can never be read
                    memory.seek(start)
                    yield memory.read(end - start)


def holds(pid: int, needles: list[bytes]) -> list[bytes]:
    """Return those of the needles that the program has in its memory."""
    found: set[bytes] = set()
    for region in regions(pid):
        found |= {needle for needle in needles if needle in region}
    return sorted(found)

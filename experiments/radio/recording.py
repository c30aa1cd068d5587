"""What one listener heard, as a file: enough to count losses, and to join it with what another one heard at the same time."""

from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
from typing import Self

from .packets import TestPacket


@dataclass(slots=True)
class Run:
    """One run as it was heard; `heard` are the Seq."""

    packets: int
    interval: int
    heard: set[int] = field(default_factory=set)

    @property
    def losses(self) -> list[bool]:
        """Return for each packet whether it was lost."""
        return [seq not in self.heard for seq in range(self.packets)]


@dataclass(slots=True)
class Recording:
    """All runs of one sender's session at one listener."""

    name: str
    metres: float
    kind: str
    session: int | None = None
    expected: int = 0  # runs
    runs: dict[int, Run] = field(default_factory=dict)

    def hear(self, packet: TestPacket) -> None:
        """Take one packet; the first one decides whose session it is."""
        self.session = packet.session if self.session is None else self.session
        if packet.session != self.session:
            return
        self.expected = packet.runs
        self.runs.setdefault(packet.run, Run(packet.packets, packet.interval)).heard.add(packet.seq)

    @property
    def at_last_run(self) -> bool:
        """Whether the last run has begun."""
        return self.expected > 0 and self.expected - 1 in self.runs

    def save(self, folder: Path) -> Path:
        """Write it below `folder`; return the path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}-{self.metres:g}m-{self.session or 0:08x}.json"
        content = asdict(self)
        content["runs"] = [{"run": number, **asdict(run), "heard": sorted(run.heard)} for number, run in sorted(self.runs.items())]
        path.write_text(json.dumps(content) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` has written."""
        content = json.loads(path.read_text(encoding="utf-8"))
        runs = {row["run"]: Run(row["packets"], row["interval"], set(row["heard"])) for row in content.pop("runs")}
        return cls(**content, runs=runs)

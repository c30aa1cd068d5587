"""What was injected, and which rule answered: the two tables that a soak prints."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

TRACE: Final = 50  # events that a violation shows


class ViolationError(Exception):
    """An invariant does not hold."""


@dataclass(slots=True)
class Counts:
    """Faults by name, rules by name, and the last events."""

    faults: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    trace: deque[tuple[int, float, str]] = field(default_factory=lambda: deque(maxlen=TRACE))
    step: int = 0
    now: float = 0.0
    echo: bool = False  # print each event, for a replay

    def fault(self, name: str) -> None:
        """Note an injected fault."""
        self.faults[name] += 1
        self.note(f"FAULT {name}")

    def rule(self, name: str, detail: str = "") -> None:
        """Note a rule that fired."""
        self.rules[name] += 1
        self.note(f"{name} {detail}" if detail else name)

    def note(self, text: str) -> None:
        """Note an event."""
        self.trace.append((self.step, self.now, text))
        if self.echo:
            print(line(self.trace[-1]))

    def lines(self) -> list[str]:
        """Return the last events, oldest first."""
        return [line(entry) for entry in self.trace]


def line(entry: tuple[int, float, str]) -> str:
    """Format one event: step, virtual seconds, text."""
    step, now, text = entry
    return f"{step:>9} {now:>14.3f}  {text}"

"""What mutmut says, and which survivors docs/mutation.md gives a reason for."""

from dataclasses import dataclass
from pathlib import Path
import re
from typing import Final

_ROW: Final = re.compile(r"^\| `(?P<module>[\w/.]+)` \| `(?P<old>.*?)` \| `(?P<new>.*?)` \|", re.MULTILINE)
_CHANGED: Final = re.compile(r"^([-+])(?![-+])\s*(.*)$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Survivor:
    """A line that may be changed without any test noticing."""

    module: str  # such as sets.py
    old: str
    new: str

    @property
    def row(self) -> str:
        """The row of docs/mutation.md without its reason."""
        return f"| `{self.module}` | `{self.old}` | `{self.new}` |"


def of_diff(module: str, diff: str) -> Survivor:
    """Read the diff of one mutant."""
    lines = _CHANGED.findall(diff)
    old, new = (" ⏎ ".join(text for sign, text in lines if sign == wanted) for wanted in "-+")
    return Survivor(module, old.replace("|", "∣"), new.replace("|", "∣"))  # noqa: RUF001  # a bar would end the cell of a table


def listed(page: Path) -> set[Survivor]:
    """Return the survivors that the page gives a reason for."""
    return {Survivor(**match.groupdict()) for match in _ROW.finditer(page.read_text(encoding="utf-8"))}

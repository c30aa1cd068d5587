"""What an experiment leaves behind: aligned text, CSV per table, one JSON with everything, plots."""

from collections.abc import Sequence
import csv
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path

type Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Setting:
    """What the user asked for."""

    seed: int
    full: bool
    out: Path


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under column names; `name` becomes part of the file's."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]

    def text(self) -> str:
        """Return the table aligned: numbers to the right, words to the left."""
        shown = [self.columns, *(tuple(shape(cell) for cell in row) for row in self.rows)]
        widths = [max(len(row[place]) for row in shown) for place in range(len(self.columns))]
        numeric = [all(not isinstance(row[place], str) for row in self.rows) for place in range(len(self.columns))]
        lines = ["  ".join(_pad(*cell) for cell in zip(row, widths, numeric, strict=True)).rstrip() for row in shown]
        return "\n".join([self.title, *lines])


def shape(cell: Cell) -> str:
    """Return a cell as people read it."""
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return "-" if cell is None else str(cell)


def _pad(text: str, width: int, numeric: bool) -> str:
    return text.rjust(width) if numeric else text.ljust(width)


@dataclass(slots=True)
class Report:
    """Collects the tables of one experiment; `kind` says beside every number where it comes from."""

    experiment: str
    setting: Setting
    kind: str
    tables: list[Table] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        """Return what repeats this run."""
        return f"scripts/experiments {self.experiment}{' --full' if self.setting.full else ''} --seed {self.setting.seed}"

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return self.setting.out / self.experiment

    def path(self, name: str) -> Path:
        """Return the path of one more file, its folder made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name

    def add(self, name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
        """Add a table."""
        table = Table(name, title, tuple(columns), [tuple(row) for row in rows])
        self.tables.append(table)
        return table

    def text(self) -> str:
        """Return everything as text, the command on top."""
        parts = [f"{self.command}\n{self.kind}", *(table.text() for table in self.tables), *self.remarks]
        return "\n\n".join(parts) + "\n"

    def write(self) -> None:
        """Write text, CSV and JSON."""
        self.path(f"{self.experiment}.txt").write_text(self.text(), encoding="utf-8")
        for table in self.tables:
            with self.path(f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([table.columns, *table.rows])
        content = {"command": self.command, "seed": self.setting.seed, "full": self.setting.full, "kind": self.kind}
        content |= {"tables": [asdict(table) for table in self.tables], "remarks": self.remarks}
        self.path(f"{self.experiment}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

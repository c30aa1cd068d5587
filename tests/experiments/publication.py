"""The published tables, as the tests read them."""

import csv
from pathlib import Path
from typing import Final

from experiments.evaluation.report import Cell

FOLDER: Final = Path(__file__).parents[2] / "docs" / "evaluation"


def published(experiment: str, table: str) -> list[dict[str, str]]:
    """Return the rows of one table."""
    with (FOLDER / experiment / f"{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def line_of(experiment: str, table: str, *first: Cell) -> list[str]:
    """Return the cells of the one row that begins with these."""
    wanted = as_stored(first)
    [found] = [cells for line in published(experiment, table) if (cells := list(line.values()))[: len(wanted)] == wanted]
    return found


def as_stored(row: tuple[Cell, ...]) -> list[str]:
    """Return a row as its file holds it."""
    return ["" if cell is None else str(cell) for cell in row]

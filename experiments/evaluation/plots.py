"""Plots in one look: the command and where the numbers come from stand below each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is needed
from matplotlib import pyplot as plt

from .report import Report

type Axes = Any  # matplotlib's own type of what subplots gives differs with the number of panels

DPI = 110
PANEL = (4.6, 3.6)  # inches


@contextmanager
def figure(report: Report, name: str, panels: int = 1, *, share_y: bool = False) -> Iterator[list[Axes]]:
    """Give so many panels side by side; write `name`.png with the source below at the end."""
    drawing, axes = plt.subplots(1, panels, figsize=(PANEL[0] * panels, PANEL[1]), sharey=share_y, squeeze=False, layout="constrained")
    drawing.supxlabel(f"{report.kind}; {report.command}", fontsize=7, color="dimgrey")
    yield list(axes[0])
    drawing.savefig(report.path(f"{name}.png"), dpi=DPI, metadata={"Software": None})
    plt.close(drawing)


def lines(axes: Axes, rows: Sequence[tuple[str, Sequence[float], Sequence[float], Sequence[float] | None]]) -> None:
    """Draw one line per (label, x, y, half-width of the interval)."""
    for label, x, y, error in rows:
        axes.errorbar(x, y, yerr=error, label=label, marker="o", markersize=3, linewidth=1.2, capsize=2)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def name_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Set title and labels."""
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=7)

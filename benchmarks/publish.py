"""python -m benchmarks publish: comparison, growth and scale of one sitting into files, with plots (docs/evaluation/speed)."""

import argparse
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is needed
from matplotlib import pyplot as plt

from . import compare, growth, report, scale, series
from .series import Series

DPI: Final = 110
INK: Final = {True: "tab:green", False: "tab:red", None: "tab:grey"}  # met, missed, not judged


def main(arguments: list[str]) -> int:
    """Measure everything at full length, and write it."""
    parser = argparse.ArgumentParser(prog="scripts/bench publish", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the order within each round")
    parser.add_argument("--out", type=Path, default=Path("evaluation-results"), metavar="DIR")
    given = parser.parse_args(arguments)
    folder: Path = given.out / "speed"
    folder.mkdir(parents=True, exist_ok=True)
    command = f"scripts/bench publish --seed {given.seed}"
    compared = compare.measure(compare.full(given.seed), list(compare.GROUPS), command)
    _write(folder / "speed.txt", report.text(compared))
    report.write(compared, folder / "speed.json")
    draw_goals(compared["goals"], folder / "goals.png", command)
    grown = growth.measure()
    _write(folder / "growth.txt", f"{command}\n{series.text(grown)}")
    report.write({"command": command, "machine": report.machine(), "series": [one.as_json() for one in grown]}, folder / "growth.json")
    draw_growth(grown, folder / "growth.png", command)
    started = scale.measure(list(scale.DEVICES))
    _write(folder / "scale.txt", f"{command}\n{scale.text(started)}")
    report.write({"command": command, "machine": report.machine(), "starts": started}, folder / "scale.json")
    return 0


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
    print(text)


def draw_goals(goals: list[dict[str, Any]], path: Path, source: str) -> None:
    """Draw one bar per pair, on a logarithmic scale: left of the line ours is faster; a tick where a goal is."""
    shown = [goal for goal in reversed(goals) if goal["ratio"]]
    drawing, axes = plt.subplots(figsize=(9, 0.28 * len(shown) + 1.2), layout="constrained")
    places = range(len(shown))
    axes.barh(places, [goal["ratio"] - 1 for goal in shown], left=1, color=[INK[goal["met"]] for goal in shown], height=0.6)
    for place, goal in zip(places, shown, strict=True):
        if goal["most"]:
            axes.plot([goal["most"]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.5)
        axes.annotate(
            f"{goal['ratio']:.2f}",
            (max(goal["ratio"], goal["most"] or 1, 1), place),
            xytext=(4, -3),
            textcoords="offset points",
            fontsize=7,
        )
    axes.set_yticks(places, [f"{goal['ours']}  beside  {goal['anchor']}" for goal in shown], fontsize=7)
    axes.set_xscale("log")
    axes.margins(x=0.1, y=0.01)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("processor time, ours over the other's (1: the same; black tick: goal)", fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    _save(drawing, path, source)


def draw_growth(found: list[Series], path: Path, source: str) -> None:
    """Draw each series relative to its first point, beside a straight line of slope 1."""
    drawing, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for one in found:
        first = min(one.points)
        numbers = sorted(one.points)
        axes.plot(
            [n / first for n in numbers], [one.points[n] / one.points[first] for n in numbers], marker="o", markersize=3, label=one.name
        )
    axes.plot([1, 1e4], [1, 1e4], color="black", linestyle=":", linewidth=1, label="linear")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("n over the smallest n", fontsize=8)
    axes.set_ylabel("cost over that of the smallest n", fontsize=8)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    _save(drawing, path, source)


def _save(drawing: Any, path: Path, source: str) -> None:
    drawing.supxlabel(f"{source}; ratios of one run on one machine", fontsize=7, color="dimgrey")
    drawing.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(drawing)

"""What all experiments share: intervals, tables, files."""

import csv
import json
from pathlib import Path

import pytest

from experiments.evaluation.plots import figure, lines, name_axes
from experiments.evaluation.report import Report, Setting
from experiments.evaluation.statistics import correlation, mean_burst, mean_interval, wilson


def test_wilson_against_a_published_value() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("successes", "bound"), [(0, (0.0, 0.0370)), (100, (0.9630, 1.0))])
def test_wilson_at_the_ends(successes: int, bound: tuple[float, float]) -> None:
    assert wilson(successes, 100) == pytest.approx(bound, abs=5e-5)


def test_nothing_tried_tells_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_interval_of_a_mean() -> None:
    mean, half = mean_interval([1.0, 2.0, 3.0, 4.0])
    assert (mean, half) == pytest.approx((2.5, 1.96 * 1.2910 / 2), abs=1e-4)


@pytest.mark.parametrize(
    ("pairs", "phi"),
    [([(True, True), (False, False)], 1.0), ([(True, False), (False, True)], -1.0), ([(True, True), (True, False)], 0.0)],
)
def test_correlation(pairs: list[tuple[bool, bool]], phi: float) -> None:
    assert correlation(pairs) == pytest.approx(phi)


def test_mean_burst() -> None:
    assert mean_burst([True, True, False, True, False, False]) == 1.5
    assert mean_burst([False]) == 0


@pytest.fixture
def report(tmp_path: Path) -> Report:
    made = Report("example", Setting(seed=7, full=True, out=tmp_path), "simulation")
    made.add("table", "A title", ("name", "value"), [("long name", 0.123456), ("x", None)])
    return made


def test_the_command_repeats_the_run(report: Report) -> None:
    assert report.command == "scripts/experiments example --full --seed 7"


def test_the_text_is_aligned_and_says_where_it_comes_from(report: Report) -> None:
    assert report.text() == (
        "scripts/experiments example --full --seed 7\nsimulation\n\nA title\nname        value\nlong name  0.1235\nx               -\n"
    )


def test_files(report: Report, tmp_path: Path) -> None:
    with figure(report, "plot") as [axes]:
        lines(axes, [("one", [1, 2], [3, 4], None)])
        name_axes(axes, "title", "x", "y")
    report.write()
    folder = tmp_path / "example"
    assert list(csv.reader((folder / "table.csv").read_text().splitlines())) == [["name", "value"], ["long name", "0.123456"], ["x", ""]]
    stored = json.loads((folder / "example.json").read_text())
    assert (stored["seed"], stored["command"], stored["kind"]) == (7, report.command, "simulation")
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "example.txt").read_text() == report.text()

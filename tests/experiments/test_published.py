"""docs/evaluation/: what is published is what the commands give today, and the page links to what exists."""

import csv
import json
from pathlib import Path
import re

import pytest

from benchmarks import report as speed
from benchmarks.goals import GOALS
from experiments.channel.fig7 import FULL_REPETITIONS, PROFILES, measure
from experiments.evaluation.report import Report, Setting, Table
from experiments.evaluation.statistics import mean_interval
from experiments.listener.collecting import TWENTY
from experiments.listener.sweep import FULL_BROADCASTS, row, sample
from experiments.overhead.growth import compromised
from experiments.robustness.evaluation import CASES

FOLDER = Path(__file__).parents[2] / "docs" / "evaluation"
EXPERIMENTS = ["fig7", "secrecy", "table2", "robustness", "independence"]
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def published(experiment: str, table: str) -> list[dict[str, str]]:
    with (FOLDER / experiment / f"{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cells(line: dict[str, str]) -> list[str]:
    return list(line.values())


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_text_and_json_are_of_one_full_run(experiment: str) -> None:
    content = json.loads((FOLDER / experiment / f"{experiment}.json").read_text(encoding="utf-8"))
    report = Report(experiment, Setting(content["seed"], content["full"], FOLDER), content["kind"], remarks=content["remarks"])
    report.tables += [Table(**table) for table in content["tables"]]
    assert report.text() == (FOLDER / experiment / f"{experiment}.txt").read_text(encoding="utf-8")
    assert content["command"] == report.command == f"scripts/experiments {experiment} --full --seed 1"
    assert report.command in PAGE


def test_the_speed_is_of_one_full_run() -> None:
    content = json.loads((FOLDER / "speed" / "speed.json").read_text(encoding="utf-8"))
    assert speed.text(content) + "\n" == (FOLDER / "speed" / "speed.txt").read_text(encoding="utf-8")
    assert content["command"] in PAGE
    assert content["missing"] == {}
    assert {(goal["ours"], goal["anchor"]) for goal in content["goals"]} == {(goal.ours, goal.anchor) for goal in GOALS}
    assert [case for case in content["cases"] if "error" in case] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_what_the_page_links_to_exists(target: str) -> None:
    assert (FOLDER / target).is_file()


def test_every_plot_is_shown_or_linked() -> None:
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.png")} <= set(re.findall(r"\]\(([^)]+\.png)\)", PAGE))


def test_fig7_is_not_stale() -> None:
    profile = PROFILES[0]
    mean, _ = mean_interval(measure(profile, 0.5, 200, FULL_REPETITIONS, 1).total)
    line = next(
        line for line in published("fig7", "fig7") if (line["receiver"], line["metres"], line["packets"]) == (profile.name, "0.5", "200")
    )
    assert float(line["loss_percent"]) == round(100 * mean, 2)


def test_the_loss_is_not_stale() -> None:
    line = next(line for line in published("secrecy", "loss") if (line["stop_rule"], line["loss_percent"]) == (TWENTY.name, "5"))
    assert cells(line) == [str(cell) for cell in row(sample(TWENTY, 5, FULL_BROADCASTS, 1))]


@pytest.mark.parametrize("suite", ["paper", "loss", "hybrid"])
def test_table_2_is_not_stale(suite: str) -> None:
    point = compromised(suite, 2, "1 compromised")
    lines = published("table2", "measurements")
    line = next(line for line in lines if (line["n_counts"], line["suite"], line["n"]) == ("compromised", suite, "2"))
    assert int(line["air_bytes"]) == point.air


def test_no_message_was_lost_and_everybody_recovered() -> None:
    lines = published("robustness", "robustness")
    assert len(lines) == 3 * len(CASES)
    assert [line for line in lines if line["recovered"] != line["lives"] or line["messages_lost"] != "0" or line["repeated"] != "0"] == []


def test_every_story_of_a_thief_ended_as_the_protocol_says() -> None:
    assert {line["as_protocol_md_says"] for line in published("secrecy", "theft")} == {"yes"}

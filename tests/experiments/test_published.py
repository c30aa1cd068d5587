"""docs/evaluation/: the files of an experiment belong together, and the page links to what exists; whether they are current: test_current.py."""

import json
import re

import pytest

from benchmarks import report as speed
from benchmarks.goals import GOALS
from benchmarks.growth import DEVICES
from benchmarks.series import Series, text
from experiments.evaluation.report import Report, Setting, Table
from experiments.robustness.evaluation import CASES

from .publication import FOLDER, published

EXPERIMENTS = ["fig7", "secrecy", "table2", "robustness", "independence"]
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


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


def test_the_growth_is_of_the_same_command_and_nothing_was_missed() -> None:
    content = json.loads((FOLDER / "speed" / "growth.json").read_text(encoding="utf-8"))
    rows = [{**row, "points": {int(n): cost for n, cost in row["points"].items()}} for row in content["series"]]
    grown = [Series(**{name: row[name] for name in ("name", "unit", "most", "points", "each")}) for row in rows]
    assert f"{content['command']}\n{text(grown)}\n" == (FOLDER / "speed" / "growth.txt").read_text(encoding="utf-8")
    assert content["command"] in PAGE
    assert [one.name for one in grown if one.met is False] == []
    assert max(DEVICES) in grown[0].points


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_what_the_page_links_to_exists(target: str) -> None:
    assert (FOLDER / target).is_file()


def test_every_plot_is_shown_or_linked() -> None:
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.png")} <= set(re.findall(r"\]\(([^)]+\.png)\)", PAGE))


def test_no_message_was_lost_and_everybody_recovered() -> None:
    lines = published("robustness", "robustness")
    assert len(lines) == 3 * len(CASES)
    assert [line for line in lines if line["recovered"] != line["lives"] or line["messages_lost"] != "0" or line["repeated"] != "0"] == []


def test_every_story_of_a_thief_ended_as_the_protocol_says() -> None:
    assert {line["as_protocol_md_says"] for line in published("secrecy", "theft")} == {"yes"}

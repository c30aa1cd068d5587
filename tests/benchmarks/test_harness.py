"""The harness itself: what it promises about rounds, order, failures, ratios and growth."""

from functools import partial
from itertools import chain, repeat
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command, compare, publish, quiet, report, series
from benchmarks.figures import Figures
from benchmarks.goals import GOALS, Goal
from benchmarks.harness import ROUNDS_MIN, Bench, Case, ratio
from benchmarks.series import CONSTANT, LINEAR, Series


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "WARM_UP", quiet.IN_A_ROW)


@pytest.fixture
def bench() -> Any:
    made = Bench(rounds=ROUNDS_MIN, block_ms=0.01)
    yield made
    made.close()


def case(key: str, samples: list[float], at_full_speed: list[bool] | None = None) -> Case:
    group, _, name = key.partition("/")
    return Case(group=group, name=name, loop=lambda _state, _n: None, samples=samples, quiet=at_full_speed or [])


def test_fewer_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="7"):
        Bench(rounds=ROUNDS_MIN - 1, block_ms=1)


def test_every_case_has_a_sample_of_each_round(bench: Bench) -> None:
    for name in "abc":
        bench.call("group", name, lambda: sum(range(10)))
    bench.run()
    assert [len(one.samples) for one in bench.cases] == [ROUNDS_MIN] * 3


def test_the_order_changes_from_round_to_round(bench: Bench) -> None:
    order: list[str] = []
    for name in "abcd":
        bench.add("group", name, lambda _state, _n: None, setup=lambda _n, name=name: order.append(name))
    bench.run()
    taken = order[-4 * ROUNDS_MIN :]
    rounds = [tuple(taken[begin : begin + 4]) for begin in range(0, len(taken), 4)]
    assert {frozenset(one) for one in rounds} == {frozenset("abcd")}
    assert len(set(rounds)) > 1


def test_a_case_that_fails_stops_no_other(bench: Bench) -> None:
    def fail(_state: object, _n: int) -> None:
        raise KeyError("a peer")

    bench.add("peer", "broken", fail)
    bench.call("ours", "whole", lambda: None)
    bench.run()
    assert "n/a" in report.text(report.summary(bench, "scripts/bench"))
    assert [one.error for one in bench.cases] == ["KeyError: 'a peer'", ""]


def test_a_check_that_fails_fails_the_case(bench: Bench) -> None:
    def check(_state: object, _n: int) -> None:
        raise RuntimeError("not decrypted")

    bench.add("peer", "lazy", lambda _state, _n: None, check=check)
    bench.run()
    assert bench.cases[0].error == "RuntimeError: not decrypted"


def test_an_asynchronous_case_and_one_that_times_itself(bench: Bench) -> None:
    async def loop(_state: object, n: int) -> int:
        return 3000 * n

    bench.add("group", "own clock", loop, asynchronous=True, operations=3)
    bench.run()
    assert bench.cases[0].samples == [1.0] * ROUNDS_MIN


def test_a_missing_package_is_named_with_its_reason(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(compare.GROUPS, "peers", ("peers.none_such",))
    compare.register(bench, "peers")
    assert "none_such" in bench.missing["peers.none_such"]
    assert "n/a: peers.none_such" in report.text(report.summary(bench, "scripts/bench"))


def test_figures() -> None:
    found = Figures.of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.median, found.least, found.spread, found.rounds) == (3.0, 1.0, 2 / 3, 5)
    assert found.per_second == pytest.approx(333_333.3)


def test_a_ratio_compares_within_each_round() -> None:
    """A round in which the machine was slow hits both, and says nothing about either."""
    assert ratio(case("a/b", [2.0, 20.0, 2.0]), case("c/d", [1.0, 10.0, 1.0])) == 2.0


# --- a busy machine


def test_full_speed_is_what_the_machine_had_several_times() -> None:
    taken = iter([0.1, *[1.0] * (quiet.IN_A_ROW - 1), *[2.0] * quiet.IN_A_ROW])
    gate = quiet.Gate(measure=lambda: next(taken))
    for _ in range(2 * quiet.IN_A_ROW):
        gate.calibrate()
    assert gate.best == 1.0
    assert [gate.is_quiet(one) for one in (1.0, quiet.NEAR, quiet.NEAR + 0.01)] == [True, True, False]


def test_a_calibration_takes_time() -> None:
    assert quiet.calibration() > 0


@pytest.mark.parametrize(("patience", "at_full_speed"), [(5.0, ROUNDS_MIN), (0.0, ROUNDS_MIN - 1)])
def test_a_disturbed_block_is_tried_again_with_patience(patience: float, at_full_speed: int) -> None:
    taken = chain(repeat(1.0, quiet.IN_A_ROW), repeat(2.0, 2), repeat(1.0))  # before the rounds, around the first block, ever after
    bench = Bench(rounds=ROUNDS_MIN, block_ms=0.01, gate=quiet.Gate(patience, partial(next, taken)))
    bench.call("ours", "whole", lambda: None)
    bench.run()
    bench.close()
    assert len(bench.cases[0].samples) == ROUNDS_MIN
    assert sum(bench.cases[0].quiet) == at_full_speed


def test_a_ratio_is_that_of_the_rounds_at_full_speed() -> None:
    slow, fast = [False] * 5 + [True] * 4, [True] * 9
    ours, theirs = case("a/b", [9.0] * 5 + [2.0] * 4, slow), case("c/d", [1.0] * 9, fast)
    assert ratio(ours, theirs) == ours.figures.median == 2.0


def test_too_few_rounds_at_full_speed_say_less_than_all() -> None:
    ours, theirs = case("a/b", [3.0] * 6 + [2.0] * 3, [False] * 6 + [True] * 3), case("c/d", [1.0] * 9, [True] * 9)
    assert ratio(ours, theirs) == 3.0


@pytest.mark.parametrize(("mine", "met"), [(1.5, True), (1.51, False)])
def test_a_goal_is_met_up_to_its_bound(mine: float, met: bool) -> None:
    cases = {one.key: one for one in (case("ours/x", [mine] * 7), case("peer/y", [1.0] * 7))}
    assert Goal("ours/x", "peer/y", 1.5).judge(cases)["met"] is met


def test_a_goal_without_its_anchor_is_not_judged() -> None:
    row = Goal("ours/x", "peer/y", 1.5).judge({"ours/x": case("ours/x", [1.0] * 7)})
    assert (row["ratio"], row["met"]) == (None, None)


@pytest.mark.parametrize(
    ("power", "most", "met"), [(1.0, LINEAR, True), (1.0, CONSTANT, False), (0.0, CONSTANT, True), (2.0, LINEAR, False), (2.0, None, None)]
)
def test_the_exponent_of_a_series(power: float, most: float | None, met: bool | None) -> None:
    grown = Series("x", "µs", most, {n: 3.0 * n**power for n in (1, 10, 100, 1000)})
    assert grown.exponent == pytest.approx(power)
    assert grown.met is met


def test_a_series_with_a_bound_for_each() -> None:
    grown = Series("memory", "bytes", LINEAR, {n: 9000.0 * n for n in (1, 10)}, each=8000.0)
    assert grown.met is False
    assert "MISSED" in series.text([grown])


def test_the_command_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.json"
    assert command.main(["primitives", "--quick", "--json", str(path)]) == 0
    written = json.loads(path.read_text())
    assert capsys.readouterr().out == report.text(written) + "\n"
    assert "HMAC-SHA-256@64" in report.text(written)
    assert written["command"] == "scripts/bench primitives --quick --seed 1"
    assert all(quiet_rounds <= ROUNDS_MIN for quiet_rounds in (one["rounds"] for one in written["cases"]))


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(SystemExit):
        compare.main(["none"])


@pytest.fixture(scope="module")
def keys() -> set[str]:
    """The names of all cases that this machine can measure."""
    bench = Bench(rounds=ROUNDS_MIN, block_ms=1)
    for group in compare.GROUPS:
        compare.register(bench, group)
    found = {one.key for one in bench.cases}
    bench.close()
    return found


def test_every_goal_names_a_case_of_ours(keys: set[str]) -> None:
    """An anchor may be missing with its package; a wrong name of ours would hide the goal."""
    assert {goal.ours for goal in GOALS} - keys == set()


def test_what_is_published_has_its_pictures(tmp_path: Path) -> None:
    goals: list[dict[str, Any]] = [
        {"ours": "ours/a", "anchor": "peer/a", "ratio": 0.5, "most": 1.0, "met": True},
        {"ours": "ours/b", "anchor": "peer/b", "ratio": 3.0, "most": None, "met": None},
        {"ours": "ours/c", "anchor": "peer/c", "ratio": None, "most": 1.0, "met": None},
    ]
    publish.draw_goals(goals, tmp_path / "goals.png", "scripts/bench publish --seed 1")
    publish.draw_growth([Series("memory", "bytes", LINEAR, {1: 5.0, 10: 50.0})], tmp_path / "growth.png", "scripts/bench publish --seed 1")
    assert [path.read_bytes()[:4] for path in sorted(tmp_path.iterdir())] == [b"\x89PNG"] * 2

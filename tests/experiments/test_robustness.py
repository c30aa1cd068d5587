"""Failures at chosen places: the fuse blows there, both sides recover, and every message is accounted for."""

from collections.abc import Callable

import pytest

from experiments.evaluation.pair import SUITES
from experiments.evaluation.report import Setting
from experiments.robustness import evaluation
from experiments.robustness.backups import BOTH, DEVICE, HUB, OLDER, SAME_EPOCH, choose, history, restored
from experiments.robustness.evaluation import CASES, Case, places, row, verdicts
from experiments.robustness.fuse import DEVICE_AFTER, DEVICE_FRAGMENT, DEVICE_WRITES, HUB_AFTER, HUB_BEFORE, HUB_FRAGMENT, HUB_WRITES, Fuse
from experiments.robustness.life import Life
from experiments.robustness.verdict import Verdict, live
from self_secure_device.errors import DeviceError

HYBRID = SUITES["hybrid"]


def life(fuse: Fuse, suite: int = HYBRID, *, together: bool = False) -> Life:
    return Life(suite, fuse, "test", together=together)


def test_a_fuse_blows_once_at_its_place() -> None:
    fuse = Fuse({"a", "b"}, at=2, armed=True)
    assert [fuse.reached(place) for place in "acba"] == [False, False, True, False]
    assert (fuse.blown, fuse.passed) == ("b", 3)


def test_an_unarmed_fuse_counts_nothing() -> None:
    fuse = Fuse({"a"}, at=1)
    assert (fuse.reached("a"), fuse.passed) == (False, 0)


@pytest.mark.parametrize("suite", SUITES)
def test_a_life_without_a_failure_loses_nothing(suite: str) -> None:
    assert live(life(Fuse(()), SUITES[suite])) == Verdict(None, True, False, None, 0, 0, 0, 0)


@pytest.mark.parametrize("who", [HUB_WRITES, DEVICE_WRITES], ids=["hub", "device"])
@pytest.mark.parametrize("suite", SUITES)
def test_every_eighth_write_is_survived(suite: str, who: frozenset[str]) -> None:
    case = Case("", "", who)
    seen = [live(life(Fuse(who, number), SUITES[suite])) for number in range(1, 1 + places(case, SUITES[suite], "test"), 8)]
    assert all(verdict.place in who and verdict.recovered and verdict.seconds is not None for verdict in seen)
    assert [(verdict.lost, verdict.repeated) for verdict in seen] == [(0, 0)] * len(seen)


def test_both_at_once_survive_every_write() -> None:
    seen = list(verdicts(CASES[2], HYBRID, "test"))
    assert len(seen) > 50
    assert all(verdict.recovered for verdict in seen)
    assert sum(verdict.lost + verdict.repeated for verdict in seen) == 0


def first(places_: set[str], wanted: Callable[[Verdict], bool]) -> Verdict:
    return next(verdict for number in range(1, 100) if wanted(verdict := live(life(Fuse(places_, number)))))


def test_a_receiver_that_ends_between_mark_and_act_is_counted_as_such() -> None:
    assert first({DEVICE_AFTER}, lambda verdict: verdict.unacted == 1).lost == 0
    assert first({HUB_AFTER}, lambda verdict: verdict.unacted == 1).lost == 0


def test_a_message_that_really_gets_lost_is_counted_as_lost() -> None:
    broken = life(Fuse({HUB_BEFORE}))
    forget = broken.node.event
    broken.node.event = lambda kind, value: None if value == "second 0 down" else forget(kind, value)  # type: ignore[method-assign]  # a program that forgets
    assert live(broken).lost == 1


def test_a_lost_fragment_ends_the_link() -> None:
    fuse = Fuse({DEVICE_FRAGMENT}, at=12)
    verdict = live(life(fuse))
    assert (fuse.blown, verdict.recovered, verdict.lost) == (DEVICE_FRAGMENT, True, 0)
    assert 0.5 < (verdict.seconds or 0) < 15


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("case", [case for case in CASES if DEVICE_FRAGMENT in case.places or HUB_FRAGMENT in case.places])
def test_no_fragment_is_missed(case: Case, suite: str) -> None:
    """Also the greeting of a hub, for which nobody opens another link."""
    seen = list(verdicts(case, SUITES[suite], "test"))
    assert len(seen) > 20
    assert [verdict for verdict in seen if not verdict.recovered or verdict.lost or verdict.repeated] == []


@pytest.mark.parametrize(
    ("who", "age", "by_pairing"),
    [
        (HUB, SAME_EPOCH, False),
        (DEVICE, SAME_EPOCH, False),
        (BOTH, OLDER, False),
        (HUB, OLDER, True),
        (DEVICE, OLDER, True),
    ],
)
def test_an_old_backup_costs_the_pairing_only_if_one_side_alone_is_older_than_the_epoch(who: str, age: str, by_pairing: bool) -> None:
    verdict = restored(HYBRID, who, age, 0, "test")
    assert verdict is not None
    assert (verdict.recovered, verdict.by_pairing, verdict.lost, verdict.repeated) == (True, by_pairing, 0, 0)


def test_the_backups_have_both_ages() -> None:
    backups = history(life(Fuse(())))
    assert (len(choose(backups, SAME_EPOCH)) > 0, len(choose(backups, OLDER)) > 2) == (True, True)
    assert restored(HYBRID, HUB, SAME_EPOCH, 99, "test") is None


def test_rows_add_up() -> None:
    seen = [Verdict(HUB_AFTER, True, False, 1.0, 0, 1, 0, 0), Verdict(HUB_BEFORE, False, True, None, 2, 0, 3, 4)]
    assert row(CASES[0], "loss", seen)[2:] == ("loss", 2, 1, 1, 2, 1, 3, 4, 1.0, 1.0)


def test_a_device_that_does_not_accept_a_message_has_not_lost_it() -> None:
    refusing = life(Fuse(()))
    refusing.pair()

    def refuse(*_: object) -> None:
        raise DeviceError("queue full")

    refusing.node.core.send = refuse  # type: ignore[method-assign]  # as if the queue were full
    refusing.talk("refused")
    assert refusing.ledger.by_device == []


def test_the_command_writes_its_files(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "verdicts", lambda case, suite, seed: [Verdict(None, True, False, 1.0, 0, 0, 0, 0)])
    report = evaluation.run(Setting(1, full=False, out=tmp_path))  # type: ignore[arg-type]  # pytest's path
    assert len(report.tables[0].rows) == len(CASES) * len(SUITES)

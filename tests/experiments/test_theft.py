"""The thief: he can do what the formulas allow, no less and no more."""

import statistics

import pytest

from custom_components.self_secure.protocol.packets import Packet
from experiments.evaluation.pair import SUITES, Pair
from experiments.theft.lockout import Lockouts, keeps, rob
from experiments.theft.stealing import follows, steal
from experiments.theft.stories import STORIES, Story, play
from experiments.theft.tap import TappedWorld
from experiments.theft.thief import Thief


@pytest.mark.parametrize("told", STORIES, ids=lambda told: f"{told.suite}, {told.stolen}: {', '.join(told.events)}")
def test_every_story_ends_as_the_protocol_says(told: Story) -> None:
    assert play(told, "a seed") == told.expected


@pytest.mark.parametrize("suite", SUITES)
def test_a_thief_with_the_chains_reads_every_message_of_both_directions(suite: str) -> None:
    pair = Pair(SUITES[suite], "b", TappedWorld)
    thief = Thief(SUITES[suite], steal(pair, SUITES[suite], memory=True, storage=False))
    pair.world.listeners.append(thief)  # type: ignore[attr-defined]  # a TappedWorld, as asked for
    for _ in range(3):
        pair.device_says()
        pair.hub_says()
    assert [chain.read for chain in thief.chains or ()] == [3, 3]
    assert follows(pair, thief.chains)


def test_who_recorded_everything_since_a_stored_key_of_suite_paper_reads_it_all_afterwards() -> None:
    pair = Pair(SUITES["paper"], "d", TappedWorld)
    record: list[Packet] = []
    pair.world.listeners.append(record.append)  # type: ignore[attr-defined]  # a TappedWorld, as asked for
    pair.renew()
    for _ in range(5):
        pair.device_says()
    thief = Thief(SUITES["paper"], steal(pair, SUITES["paper"], memory=False, storage=True))
    assert not follows(pair, thief.chains)
    for packet in record[-10:]:  # five messages and their acknowledgements
        thief(packet)
    assert follows(pair, thief.chains)


@pytest.mark.parametrize("suite", SUITES)
def test_without_loot_nobody_is_in(suite: str) -> None:
    pair = Pair(SUITES[suite], "c", TappedWorld)
    thief = Thief(SUITES[suite], steal(pair, SUITES[suite], memory=False, storage=False))
    pair.world.listeners.append(thief)  # type: ignore[attr-defined]  # a TappedWorld, as asked for
    pair.device_says()
    pair.power_loss()
    assert not follows(pair, thief.chains)


def test_the_formula_of_a_geometric_time_that_the_epoch_cuts_off() -> None:
    assert Lockouts("loss", 50, 2).formula == pytest.approx(0.25 + 0.0625)
    assert keeps("paper", 10) == pytest.approx(0.9)
    assert Lockouts("paper", 10, 1000).formula == pytest.approx(9)


@pytest.mark.parametrize(("suite", "mean"), [("paper", 9.0), ("loss", 4.26)])
def test_lockouts_agree_with_the_formula(suite: str, mean: float) -> None:
    stayed = [one.stayed for seed in range(2) for one in rob(suite, f"{seed}")[0] if one.percent == 10]
    assert statistics.fmean(stayed) == pytest.approx(mean, abs=4 * mean / len(stayed) ** 0.5)

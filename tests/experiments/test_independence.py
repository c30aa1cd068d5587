"""Two collectors of one broadcast, against known laws."""

import pytest

from experiments.evaluation.statistics import wilson
from experiments.independence.collectors import collect
from experiments.independence.evaluation import SUITES, sample


@pytest.mark.parametrize("suite", SUITES.values())
def test_one_holds_the_others_set_as_often_as_the_formula_says(suite: int) -> None:
    outcome = sample(suite, 16, 5, 100, 7)
    low, high = wilson(outcome.held, len(outcome.pairs))
    assert low <= outcome.formula <= high


def test_by_packet_loss_alone_a_held_set_is_an_open_key() -> None:
    outcome = sample(SUITES["loss"], 16, 1, 20, 7)
    assert outcome.opened == outcome.held > 20


def test_in_hybrid_a_held_set_opens_nothing() -> None:
    outcome = sample(SUITES["hybrid"], 16, 1, 20, 7)
    assert outcome.held > 20
    assert (outcome.opened, outcome.equal) == (0, 0)


@pytest.mark.parametrize("suite", SUITES.values())
def test_even_equal_sets_give_different_keys(suite: int) -> None:
    one, other = collect(suite, 16, 1, "equal")
    assert one.agreed == other.agreed
    assert one.stored != other.stored

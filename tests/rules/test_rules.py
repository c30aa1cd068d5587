"""The broken rules still fit the code, and those that are noticed quickest are noticed (all twelve: scripts/broken-rules)."""

import pytest

from .breaking import ROOT, RuleMovedError, break_rule, copy_of_the_tree, try_rule
from .rules import RULES, Rule

QUICK = ("missing challenge", "commitment not checked", "no minimum on the initiator")
BY_NAME = {rule.name: rule for rule in RULES}


def test_there_are_twelve() -> None:
    assert len(BY_NAME) == 12


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_still_fits_the_code(rule: Rule) -> None:
    text = (ROOT / rule.path).read_text(encoding="utf-8")
    assert text.count(rule.old) == 1
    compile(text.replace(rule.old, rule.new), rule.path, "exec")


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_rule_is_noticed(name: str) -> None:
    assert try_rule(BY_NAME[name]).by != ()


def test_a_rule_whose_code_has_moved_is_reported() -> None:
    rule = BY_NAME["missing challenge"]
    with copy_of_the_tree() as tree:
        break_rule(rule, tree)
        with pytest.raises(RuleMovedError, match="0 times"):
            break_rule(rule, tree)


def test_the_tree_itself_stays_whole() -> None:
    rule = BY_NAME["commitment not checked"]
    before = (ROOT / rule.path).read_bytes()
    with copy_of_the_tree() as tree:
        break_rule(rule, tree)
        assert (tree / rule.path).read_bytes() != before
    assert (ROOT / rule.path).read_bytes() == before

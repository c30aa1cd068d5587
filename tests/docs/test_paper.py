"""The paper's formulas (1) to (15) at the hub, against the known answers: what docs/protocol.md's last appendix names."""

import json
from typing import Any

import pytest

from tests.docs.imports import ROOT
from tests.vectors import hub_cases

CASES = json.loads((ROOT / "tests/vectors/ssc1.json").read_text(encoding="utf-8"))["cases"]
CHECKS = {"paper_negotiation": hub_cases.check_paper_negotiation, "paper_data": hub_cases.check_paper_data}
OF_THE_PAPER = [case for case in CASES if case["kind"] in CHECKS]


def test_there_are_cases_of_both_kinds() -> None:
    assert {case["kind"] for case in OF_THE_PAPER} == set(CHECKS)


@pytest.mark.parametrize("case", OF_THE_PAPER, ids=lambda case: case["kind"])
def test_formulas(case: dict[str, Any]) -> None:
    computed = CHECKS[case["kind"]](case["in"], case["out"])
    assert {name: computed.get(name) for name in case["out"]} == case["out"]

"""The published vectors, where they lie beside the tests; scripts/vectors checks the same functions on any file."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import device_cases

CASES = [case for path in sorted(Path(device_cases.__file__).parent.glob("*.json")) for case in json.loads(path.read_text())["cases"]]
OURS = [case for case in CASES if case["kind"] in device_cases.KINDS]


@pytest.mark.parametrize("case", OURS, ids=lambda case: case["kind"])
def test_vector(case: dict[str, Any]) -> None:
    out = device_cases.KINDS[case["kind"]](case["in"])
    assert {name: out.get(name) for name in case["out"]} == case["out"]

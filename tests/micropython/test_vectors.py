"""The published vectors on a real MicroPython, with its own AES, hashes and big integers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import device_cases, micropython_cases

FILE = Path(micropython_cases.__file__).with_name("ssc1.json")
CASES: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
OURS = [(number, case) for number, case in enumerate(CASES) if case["kind"] in device_cases.KINDS]


@pytest.fixture(scope="module")
def answer() -> Any:
    return micropython_cases.answers(FILE)


@pytest.mark.parametrize(("number", "case"), OURS, ids=lambda part: part["kind"] if isinstance(part, dict) else part)
def test_vector(answer: Any, number: int, case: dict[str, Any]) -> None:
    out = answer(number)()
    assert {name: out.get(name) for name in case["out"]} == case["out"]


def test_an_error_names_the_interpreter_s_exception(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"cases": [{"kind": "epoch", "in": {}}]}), encoding="utf-8")
    with pytest.raises(micropython_cases.MicroPythonError, match="root"):
        micropython_cases.answers(path)(0)()


def test_a_run_that_ends_early_fails_every_case(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(micropython_cases.MicroPythonError, match="Error"):
        micropython_cases.answers(path)(0)()

"""Known answers against both implementations, and the program that checks them."""

import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.packets import Frame
from tests.vectors import __main__ as program, device_cases, hub_cases, make_sample

SAMPLE = make_sample.SAMPLE
FILES = sorted(SAMPLE.parent.glob("*.json"))
CASES = [
    pytest.param(case, id=f"{path.stem}-{number}-{case['kind']}")
    for path in FILES
    for number, case in enumerate(json.loads(path.read_text(encoding="utf-8"))["cases"])
    if case["kind"] in program.KINDS
]
OURS: list[dict[str, Any]] = json.loads(SAMPLE.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES)
def test_the_hub_computes_it(case: dict[str, Any]) -> None:
    answer = getattr(hub_cases, f"check_{case['kind']}")(case["in"], case["out"])
    assert program.difference(case["out"], answer) is None


@pytest.mark.parametrize("case", CASES)
def test_the_device_computes_it(case: dict[str, Any]) -> None:
    assert program.difference(case["out"], device_cases.KINDS[case["kind"]](case["in"])) is None


def test_our_sample_has_what_the_public_file_leaves_out() -> None:
    """Two and three candidates, the true one at each place, and one conflict that is left out."""
    negotiations = [case for case in OURS if case["kind"] == "negotiation"]
    assert {case["in"]["suite"] for case in negotiations} == {0x01, 0x11}
    for case in negotiations:
        message = Frame.decode(bytes.fromhex(case["out"]["m4"])).message
        agreed, used = sets.decode_prefix(message)
        assert list(agreed) == case["in"]["agreed"]
        assert message[used:-32] == bytes([1, 0, 2, 0xFF])
    assert {len(values) for case in negotiations for values in case["in"]["conflicts"].values()} == {2, 3}


@pytest.mark.parametrize(("kind", "field"), [("negotiation", "m3"), ("negotiation", "root"), ("message", "dack"), ("resume", "r2")])
def test_a_wrong_answer_is_named(kind: str, field: str) -> None:
    case = next(case for case in OURS if case["kind"] == kind)
    wrong = {**case, "out": {**case["out"], field: case["out"][field][:-2] + "zz"}}
    found = program.check(kind, wrong, lambda: case["out"])
    assert [line.split(":")[0] for line in found] == ["hub", "device", "micropython"]


def test_the_first_field_that_differs() -> None:
    assert program.difference({"a": 1, "b": 2}, {"a": 1, "b": 3}) == "b: expected 2, computed 3"
    assert program.difference({"a": 1}, {"failure": "why"}) == "a: not reached (why)"
    assert program.difference({"a": 1}, {"a": 1, "more": 2}) is None


def test_the_program_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = next(case for case in OURS if case["kind"] == "epoch")
    wrong = {**case, "out": {**case["out"], "kid": "00000000"}}
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"format": program.FORMAT, "cases": [case, wrong, {**case, "kind": "new"}]}), encoding="utf-8")
    assert program.main([str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 passed, 2 failed"
    assert lines[-2] == "some.json case 2 (new): unknown kind 'new'"
    assert lines[0].startswith("some.json case 1 (epoch): hub: kid: expected 00000000, computed ")


@pytest.mark.parametrize(
    ("text", "status"), [("{", 1), ('{"format": "ssc1-vectors-1"}', 1), ('{"format": "ssc1-vectors-1", "cases": []}', 1)]
)
def test_a_bad_file_fails(tmp_path: Path, text: str, status: int) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    assert program.main([str(path)]) == status
    assert program.main([str(tmp_path / "missing.json")]) == 1
    assert program.main([]) == 2


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"format": "other"}', encoding="utf-8")
    with pytest.raises(SystemExit, match="expected 'ssc1-vectors-1'"):
        program.run(path)


def test_the_sample_is_made_by_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_sample, "SAMPLE", tmp_path / "again.json")
    make_sample.main()
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == SAMPLE.read_text(encoding="utf-8")

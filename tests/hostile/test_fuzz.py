"""Each fuzz target over its committed corpus, and for a moment with atheris, which looks for new code (scripts/fuzz for longer)."""

from pathlib import Path
import subprocess
import sys

import pytest

from fuzz.check import BrokenError
from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "fuzz" / "corpus"
INPUTS = {name: 250 if name == "connection" else 4_000 for name in TARGETS}  # about a second each
CORPUS_BYTES = 64 * 1024  # "kept small"


def inputs(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_invariant_is_the_first_line(name: str) -> None:
    first = (ROOT / "fuzz" / f"{name}.py").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith('"""')
    assert first.endswith('."""')


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_corpus_holds(name: str) -> None:
    known = inputs(name)
    assert len(known) > 2
    for data in known:
        TARGETS[name].run(data)


def test_the_corpus_is_small() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < CORPUS_BYTES


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_new_inputs_hold(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzz", name, "--runs", str(INPUTS[name]), "--seconds", "60", "--seed", "1", "--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)  # noqa: S603  # our own program
    assert done.returncode == 0, done.stderr[-2_000:]
    assert f"number_of_executed_units: {INPUTS[name]}" in done.stderr


def test_a_decoder_that_accepts_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.sets.device.decode", lambda data: ([], len(data)))
    with pytest.raises(BrokenError, match="differ"):
        TARGETS["sets"].run(b"\x00\x00\x01")


def test_a_fragment_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.fragments.fragments", lambda frame, size: [frame])
    with pytest.raises(BrokenError, match="cut differently"):
        TARGETS["fragments"].run(bytes(range(100)))

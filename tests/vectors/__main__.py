"""scripts/vectors FILE...: check every case against the hub, the device, and the device on MicroPython, name the first difference."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
import json
from pathlib import Path
import sys
from typing import Any

from tests.vectors import device_cases, hub_cases, micropython_cases

FORMAT = "ssc1-vectors-1"
KINDS = ("coded_set", "negotiation", "epoch", "message", "resume", "group", "paper_negotiation", "paper_data")


def implementations(
    kind: str, case: Mapping[str, Any], on_micropython: micropython_cases.Answer
) -> Iterator[tuple[str, Callable[[], Mapping[str, Any]]]]:
    """Yield each implementation's answer to a case."""
    yield "hub", lambda: getattr(hub_cases, f"check_{kind}")(case["in"], case["out"])
    yield "device", lambda: device_cases.KINDS[kind](case["in"])
    yield "micropython", on_micropython


def difference(expected: Mapping[str, Any], computed: Mapping[str, Any]) -> str | None:
    """Return the first field that differs, or None."""
    for name, value in expected.items():
        if name not in computed:
            return f"{name}: not reached ({computed.get('failure', 'no reason given')})"
        if computed[name] != value:
            return f"{name}: expected {value}, computed {computed[name]}"
    return None


def check(kind: str, case: Mapping[str, Any], on_micropython: micropython_cases.Answer) -> list[str]:
    """Return what is wrong with a case, a line per implementation."""
    wrong = []
    for name, answer in implementations(kind, case, on_micropython):
        try:
            found = difference(case["out"], answer())
        except Exception as error:  # noqa: BLE001  # a damaged case must not hide the others
            found = f"{type(error).__name__}: {error}"
        wrong += [f"{name}: {found}"] if found else []
    return wrong


def run(path: Path) -> Counter[str]:
    """Check one file; print what fails."""
    counts: Counter[str] = Counter()
    data = json.loads(path.read_text(encoding="utf-8"))
    if data.get("format") != FORMAT:
        raise SystemExit(f"{path}: format {data.get('format')!r}, expected {FORMAT!r}")
    on_micropython = micropython_cases.answers(path)
    for number, case in enumerate(data["cases"]):
        kind = case["kind"]
        wrong = check(kind, case, on_micropython(number)) if kind in KINDS else [f"unknown kind {kind!r}"]
        counts["failed" if wrong else "passed"] += 1
        for line in wrong:
            print(f"{path.name} case {number} ({kind}): {line}")
    return counts


def main(arguments: list[str]) -> int:
    """Check all files; exit status 1 on a failure."""
    if not arguments:
        print("usage: scripts/vectors FILE...", file=sys.stderr)
        return 2
    counts: Counter[str] = Counter()
    for argument in arguments:
        try:
            counts += run(Path(argument))
        except (OSError, ValueError, LookupError, TypeError) as error:
            print(f"{argument}: {type(error).__name__}: {error}")
            counts["failed"] += 1
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return int(counts["failed"] > 0 or not counts["passed"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The tables for people and the JSON for machines."""

from collections.abc import Iterable
from importlib import metadata
import json
import os
from pathlib import Path
import platform
import re
from typing import Any, Final

from .goals import GOALS
from .harness import Bench, Case

PACKAGES: Final = (
    *("homeassistant", "habluetooth", "cryptography", "bthome-ble", "xiaomi-ble", "aiohomekit", "aioesphomeapi"),
    *("doubleratchet", "vodozemac", "noiseprotocol", "spake2"),
)


def versions() -> dict[str, str]:
    """Return the versions that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "n/a"
    return found


def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.*)", info.read_text(encoding="utf-8")) if info.exists() else None
    return named[1] if named else platform.machine()


def machine() -> dict[str, Any]:
    """Return what it was measured on."""
    return {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}


def summary(bench: Bench, command: str) -> dict[str, Any]:
    """Return everything that was measured (JSON types only), and the command that repeats it."""
    cases = {case.key: case for case in bench.cases}
    quiet = [one for case in bench.cases for one in case.quiet]
    return {
        "command": command,
        "machine": machine(),
        "versions": versions(),
        "at_full_speed": sum(quiet) / max(1, len(quiet)),
        "cases": [_case(case) for case in bench.cases],
        "goals": [goal.judge(cases) for goal in GOALS if goal.ours in cases],
        "missing": bench.missing,
    }


def _case(case: Case) -> dict[str, Any]:
    named = {"case": case.key, "unit": case.unit, "clock": "wall" if case.wall else "cpu"}
    if case.error:
        return {**named, "error": case.error}
    seen = case.figures
    return {**named, "median_us": seen.median, "least_us": seen.least, "spread": seen.spread, "rounds": seen.rounds}


def text(result: dict[str, Any]) -> str:
    """Return the tables of a `summary`."""
    machine = result["machine"]
    head = (
        f"Python {machine['python']}, {machine['processor']}, {machine['cores']} cores, at full speed in {result['at_full_speed']:.0%} "
        "of the blocks; µs of processor time per operation ('wall': passed)"
    )
    parts = [result["command"], head, "", *_cases(result["cases"]), "", *_goals(result["goals"])]
    if result["missing"]:
        parts += ["", *(f"n/a: {name}: {why}" for name, why in result["missing"].items())]
    return "\n".join(parts)


def _cases(cases: Iterable[dict[str, Any]]) -> Iterable[str]:
    yield f"{'case':58}{'median':>11}{'least':>11}{'spread':>8}{'per second':>12}  unit"
    for case in cases:
        if "error" in case:
            yield f"{case['case']:58}{'n/a':>11}  {case['error']}"
            continue
        rate = f"{1e6 / case['median_us']:,.0f}"
        unit = f"{case['unit']}{' (wall)' if case['clock'] == 'wall' else ''}"
        yield f"{case['case']:58}{case['median_us']:11.2f}{case['least_us']:11.2f}{case['spread']:8.0%}{rate:>12}  {unit}"


def _goals(goals: Iterable[dict[str, Any]]) -> Iterable[str]:
    yield f"{'ours':46}{'beside':46}{'time':>8}{'goal':>8}"
    for goal in goals:
        found = "n/a" if goal["ratio"] is None else f"{goal['ratio']:.2f}"
        bound = "" if goal["most"] is None else f"<= {goal['most']:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[goal["met"]]
        yield f"{goal['ours']:46}{goal['anchor']:46}{found:>8}{bound:>8}  {verdict}".rstrip()


def write(result: dict[str, Any], path: Path) -> None:
    """Write the JSON."""
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")

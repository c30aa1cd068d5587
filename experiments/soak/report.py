"""The tables at the end of a soak, and its verdict."""

from typing import Final

from .driver import Driver
from .reuse import Reuse

JUDGED: Final = ("reused", "lost", "repeated", "forged", "no common epoch", "stuck", "crashed")


def report(driver: Driver, reuse: Reuse, violation: str | None) -> tuple[list[str], bool]:
    """Return the lines to print, and whether all is well."""
    counts = driver.counts
    driver.note_counters()
    lines = ["", "Faults injected", *_table(counts.faults), "", "Rules that fired", *_table(counts.rules)]
    broken = {name: int(violation is not None and violation.startswith(name)) for name in JUDGED}
    other = violation is not None and not any(broken.values())
    if violation is not None:
        lines += ["", f"VIOLATION at step {counts.step}: {violation}", *counts.lines()]
    lines += ["", f"{counts.step} steps, {counts.now / 86_400:.1f} virtual days, {reuse.count} encryptions watched"]
    lines.append(", ".join(f"{name} {number}" for name, number in broken.items()))
    return lines, not other and not any(broken.values())


def _table(counter: dict[str, int]) -> list[str]:
    return [f"{number:>9}  {name}" for name, number in sorted(counter.items())]

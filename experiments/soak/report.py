"""The tables at the end of a soak, and its verdict."""

from typing import Final

from .counts import Counts
from .driver import Driver
from .expected import ENOUGH_STEPS, expected
from .reuse import Reuse

JUDGED: Final = ("reused", "lost", "repeated", "forged", "outside", "stored", "no common epoch", "split", "stuck", "crashed", "leaked")


def report(driver: Driver, reuse: Reuse, violation: str | None) -> tuple[list[str], bool]:
    """Return the lines to print, and whether all is well."""
    driver.note_counters()
    return verdict(driver.counts, reuse, violation, _zeros(driver), ENOUGH_STEPS)


def verdict(counts: Counts, reuse: Reuse, violation: str | None, zeros: list[str], enough: int) -> tuple[list[str], bool]:
    """Return the lines to print, and whether all is well; `zeros` is what was not seen, though it has to be after `enough` steps."""
    lines = ["", "Faults injected", *_table(counts.faults), "", "Rules that fired", *_table(counts.rules)]
    broken = {name: int(violation is not None and violation.startswith(name)) for name in JUDGED}
    other = violation is not None and not any(broken.values())
    if violation is not None:
        lines += ["", f"VIOLATION at step {counts.step}: {violation}", *counts.lines()]
    lines += ["", f"{counts.step} steps, {counts.now / 86_400:.1f} virtual days, {reuse.count} encryptions watched"]
    complete = counts.step < enough or not zeros
    lines.append(f"not seen: {', '.join(zeros) or 'nothing'}")
    lines.append(", ".join(f"{name} {number}" for name, number in broken.items()))
    return lines, complete and not other and not any(broken.values())


def _zeros(driver: Driver) -> list[str]:
    faults, rules = expected(driver.world.profile)
    return [name for name in faults if not driver.counts.faults[name]] + [name for name in rules if not driver.counts.rules[name]]


def _table(counter: dict[str, int]) -> list[str]:
    return [f"{number:>9}  {name}" for name, number in sorted(counter.items())]

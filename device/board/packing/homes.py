"""Which packed module each global goes to.

What only a function's import leads to goes to the unit of that import, whatever module it stands in; the rest is loaded at the
start. What several such imports need must outlive each of them, unless it is the same step of several suites.
"""

import ast
from collections.abc import Iterator

from .program import Program
from .source import Module, Origin, stored

START = ""  # the root that is loaded at once
#: Functions in the packed modules of a unit: while one is loaded, each takes a record more, which is garbage after that. The
#: first find the heap empty.
SIZES = (320, 60)
FUNCTIONS = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def homes(program: Program) -> dict[Origin, str]:
    """Return the packed module of each global that is needed."""
    roots, parents = _roots(program)
    for module, node in dict.fromkeys(program.parts.values()):  # what one statement defines stays together
        names = [(module.name, name) for name in stored(node) if (module.name, name) in roots]
        together = frozenset().union(*(roots[name] for name in names))
        roots |= dict.fromkeys(names, together)
    known = frozenset().union(*roots.values())
    units = {origin: _unit(found, known, parents) for origin, found in roots.items()}
    early = dict(_divided(program, {origin for origin, unit in units.items() if unit == START}))
    return {origin: unit or early[origin[0]] for origin, unit in units.items()}


def _unit(found: frozenset[str], known: frozenset[str], parents: dict[str, set[str]]) -> str:
    """Return the unit of what is reached from these roots: ``paper`` for ``paper_resume`` and ``paper_negotiation``."""
    around = [_around(root, parents) for root in found]
    found -= {root for root, outer in zip(found, around, strict=True) if found & {*outer[1:]}}
    if START in found or len(found) == 1:
        return START if START in found else min(found)
    steps = {root.rpartition("_")[2] for root in found}
    if len(steps) == 1:
        return f"shared_{min(steps)}"
    above = max((root for root in known - {START} if all(f"{one}_".startswith(f"{root}_") for one in found)), key=len, default=START)
    common = (outer for outer in around[0] if all(outer in other for other in around))
    return above or next(common, START)


def _around(unit: str, parents: dict[str, set[str]]) -> list[str]:
    """Return a unit and those that are loaded whenever it is: whose functions alone import it."""
    chain = [unit]
    while len(outer := parents.get(chain[-1], set())) == 1 and min(outer) not in {*chain, START}:
        chain += outer
    return chain


def _roots(program: Program) -> tuple[dict[Origin, frozenset[str]], dict[str, set[str]]]:
    """Return from where each global is reached: the start, and imports in functions (by their unit's name); and whose functions those are."""
    found: dict[Origin, frozenset[str]] = {}
    parents: dict[str, set[str]] = {}
    waiting = [(START, program.origin(program.start))]
    while waiting:
        root, origin = waiting.pop()
        if root in found.get(origin, ()):
            continue
        found[origin] = found.get(origin, frozenset()) | {root}
        early, late = program.uses(*program.parts[origin])
        waiting += [(root, one) for one in early]
        for one in late:
            parents.setdefault(unit_of(one[0]), set()).add(root)
            waiting.append((unit_of(one[0]), one))
    return found, parents


def unit_of(module: str) -> str:
    """Return the name of the unit that an import of this module leads to."""
    return module.partition(".")[2].replace(".", "_")


def _divided(program: Program, early: set[Origin]) -> Iterator[tuple[str, str]]:
    """Yield for each module its packed module at the start: as many per unit as their functions need."""
    filled: dict[str, list[int]] = {}
    for module in program.order:
        numbers = filled.setdefault(module.unit, [0])
        functions = _functions(module, early)
        if numbers[-1] and numbers[-1] + functions > SIZES[min(len(numbers), len(SIZES)) - 1]:
            numbers.append(0)
        numbers[-1] += functions
        yield module.name, f"{module.unit}{len(numbers) - 1}"


def _functions(module: Module, early: set[Origin]) -> int:
    nodes = (node for node in module.tree.body if any((module.name, name) in early for name in stored(node)))
    return sum(isinstance(one, FUNCTIONS) for node in nodes for one in ast.walk(node))

"""Writes the packed modules."""

import ast
from collections.abc import Iterable, Iterator

from .naming import Naming
from .renaming import Renamer
from .source import Module, Origin


def pack(modules: Iterable[Module], main: str) -> dict[str, str]:
    """Return the source of each packed module of what ``main.main`` needs, in the order to load them in."""
    naming = Naming(modules, main)
    units = dict.fromkeys(module.unit for module in naming.order)
    return {unit: _packed(naming, unit) for unit in units}


def _packed(naming: Naming, unit: str) -> str:
    external: dict[str, None] = {}
    body: list[ast.stmt] = []
    foreign: set[Origin] = set()
    for module in naming.order:
        if module.unit == unit:
            external |= dict.fromkeys(_external(naming, module))
            renamer = Renamer(naming, module)
            body += _renamed(renamer, module)
            foreign |= renamer.foreign
    inward = sorted(f"from {naming.modules[origin[0]].unit} import {naming.globals[origin]}" for origin in foreign)
    text = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    return "\n".join([*external, *inward, text, ""])


def _renamed(renamer: Renamer, module: Module) -> Iterator[ast.stmt]:
    for node in module.tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) and (changed := renamer.visit(node)) is not None:
            yield changed


def _external(naming: Naming, module: Module) -> Iterator[str]:
    """Yield the imports of a module that lead out of the program, one name each."""
    for node in module.tree.body:
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (alias.name for alias in node.names if naming.imported(module, node, alias) is None)
            yield from (f"from {module.target(node)} import {name}" for name in names if name != "const")

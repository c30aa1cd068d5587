"""Writes the packed modules."""

import ast
from collections.abc import Iterable, Iterator

from .naming import Naming
from .renaming import Renamer
from .slimming import slim
from .source import Module, Origin, stored


def pack(modules: Iterable[Module], main: str) -> dict[str, str]:
    """Return the source of each packed module of what ``main.main`` needs, each after those that it imports.

    The one with ``main`` is the last of those that are loaded at the start; what functions import comes after it.
    """
    naming = Naming(slim(modules, main))
    units = {home: Unit(naming, home) for home in sorted(set(naming.homes.values()))}
    order: dict[str, str] = {}

    def place(home: str) -> None:
        for needed in sorted(units[home].needs - {*order, home}):
            place(needed)
        order[home] = units[home].text()

    for home in (naming.homes[naming.program.start], *units):
        if home not in order:
            place(home)
    return order


class Unit:
    """One packed module in the making."""

    def __init__(self, naming: Naming, home: str) -> None:
        self._naming = naming
        self._home = home
        self._external: dict[str, None] = {}
        self._foreign: set[Origin] = set()
        self._body = [node for module in naming.program.order for node in self._taken(module)]

    def _taken(self, module: Module) -> Iterator[ast.stmt]:
        for node in module.tree.body:
            homes = {self._naming.homes.get((module.name, name)) for name in stored(node)}
            if self._home in homes:
                self._external |= dict.fromkeys(self._imports(module, node))
                renamer = Renamer(self._naming, module, self._home)
                yield renamer.visit(node)
                self._foreign |= renamer.foreign

    def _imports(self, module: Module, part: ast.stmt) -> Iterator[str]:
        """Yield the imports that a part needs and that lead out of the program."""
        names = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        for node in module.tree.body:
            if isinstance(node, ast.Import):
                yield from (f"import {alias.name}" for alias in node.names if alias.name in names)
            elif isinstance(node, ast.ImportFrom):
                foreign = (alias.name for alias in node.names if self._naming.program.imported(module, node, alias) is None)
                yield from (f"from {module.target(node)} import {name}" for name in foreign if name in names and name != "const")

    @property
    def needs(self) -> set[str]:
        """The packed modules that this one imports when it is loaded."""
        return {self._naming.homes[origin] for origin in self._foreign}

    def text(self) -> str:
        """Return the source."""
        naming = self._naming
        inward = sorted(f"from {naming.homes[origin]} import {naming.globals[origin]}" for origin in self._foreign)
        body = ast.unparse(ast.fix_missing_locations(ast.Module(self._body, [])))
        return "\n".join([*self._external, *inward, body, ""])

"""What a module has to import when code of another one moves into it."""

import ast
import builtins

from .program import Program
from .source import Module


class Moved:
    """Code of the module ``old`` that goes into the module ``new``."""

    def __init__(self, program: Program, old: Module, new: Module) -> None:
        self._program = program
        self._old = old
        self._new = new
        self._needed: list[ast.stmt] = []
        self.bound = {name for node in ast.walk(new.tree) for name in _imported(node)}  # what ``new`` imports

    def target(self, node: ast.ImportFrom) -> str:
        """Return the full name of the module that an import in the code names."""
        return self._old.target(node)

    def names(self, free: set[str], variables: set[str]) -> dict[str, str] | None:
        """Return what stands for each global of the code, None when one cannot be had.

        ``variables`` are names that mean something else at the new place.
        """
        found: dict[str, str] = {}
        for name in sorted(free):
            new = name if self._old is self._new else self._name(name)
            if new is None or new in variables:
                return None
            found[name] = new
        return found

    def _name(self, name: str) -> str | None:
        program, own = self._program, self._old.name
        if name not in self._old.defined and name not in program.bound[own]:
            return self._outer(name)
        owner, inner = program.origin((own, name) if name in self._old.defined else program.bound[own][name])
        if owner == self._new.name:
            return inner or None
        order = [module.name for module in program.order]
        if owner not in order or order.index(owner) > order.index(self._new.name):
            return None  # it is loaded later
        for alias, origin in program.bound[self._new.name].items():
            if origin == (owner, inner) and alias in self._at_top:
                return alias
        fresh = f"{inner or owner}_of_{owner}".replace(".", "_")
        package, _, last = owner.rpartition(".")
        self._needed.append(
            ast.ImportFrom(owner, [ast.alias(inner, fresh)], 0) if inner else ast.ImportFrom(package, [ast.alias(last, fresh)], 0)
        )
        return fresh

    @property
    def _at_top(self) -> set[str]:
        return {name for node in self._new.tree.body for name in _imported(node)}

    def _outer(self, name: str) -> str | None:
        """Return the name of something that is not the program's: a builtin, or what an import brings."""
        meant = name not in self._new.defined and name not in self._program.bound[self._new.name]
        for node in self._old.tree.body:
            if name in _imported(node):
                same = any(ast.dump(node) == ast.dump(one) for one in self._new.tree.body)
                if not same:
                    if name in self.bound:
                        return None
                    self._needed.append(node)
                return name if meant else None
        return name if meant and name not in self.bound and hasattr(builtins, name) else None

    def bring(self) -> None:
        """Import into the new module what the code needs there."""
        self._new.tree.body[0:0] = self._needed


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in node.names}
    return set()

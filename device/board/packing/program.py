"""A whole program: its modules in the order to load them in, its constants, and what its parts use of each other."""

import ast
from collections.abc import Iterable, Iterator

from .source import LARGEST_CONSTANT, Module, Origin, PackError, evaluated, outward, pairs, stored

SILENT = "DropError"  # and what derives from it: counted under its class's reason, its text never shown
ENTRY = "main"  # the function that whoever loads the program calls


class Program:
    """What the function ``main`` of the module ``main`` needs of some modules."""

    def __init__(self, modules: Iterable[Module], main: str) -> None:
        self.modules = {module.name: module for module in modules}
        self.start: Origin = (main, ENTRY)
        self.bound = {module.name: dict(self._bindings(module)) for module in self.modules.values()}
        self._late_names = {module.name: set(self._late_aliases(module)) for module in self.modules.values()}
        self.order = list(self._in_order(main))
        self.constants: dict[Origin, int] = {}
        for module in self.order:
            self._find_constants(module)
        parts = ((module, node) for module in self.order for node in module.tree.body)
        self.parts = {(module.name, name): (module, node) for module, node in parts for name in stored(node)}
        self._silent = set(self._find_silent())

    # --- imports -----------------------------------------------------------------------------------------------

    def _bindings(self, module: Module) -> Iterator[tuple[str, Origin]]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (origin := self.imported(module, node, alias)) is not None:
                        yield alias.asname or alias.name, origin

    def _late_aliases(self, module: Module) -> Iterator[str]:
        """Yield the names that a module's functions import when they are called."""
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node not in module.tree.body:
                yield from (alias.asname or alias.name for alias in node.names)

    def imported(self, module: Module, node: ast.ImportFrom, alias: ast.alias) -> Origin | None:
        """Return what an import brings, None for what is not of this program."""
        target = module.target(node)
        whole = f"{target}.{alias.name}"
        if whole in self.modules:
            return whole, ""
        return (target, alias.name) if target in self.modules else None

    def origin(self, origin: Origin) -> Origin:
        """Follow a name to the module that defines it; PackError when none does."""
        owner, name = origin
        if not name or name in self.modules[owner].defined:
            return origin
        if name not in self.bound[owner]:
            raise PackError(f"{owner} has no {name}")
        return self.origin(self.bound[owner][name])

    def _in_order(self, main: str) -> Iterator[Module]:
        """Yield the modules that may be needed, each after those that it imports when it is loaded."""
        done: set[str] = set()

        def visit(name: str) -> Iterator[Module]:
            if name in done:
                return
            done.add(name)
            for needed in self._imports(self.modules[name], self.modules[name].tree.body):
                yield from visit(needed)
            yield self.modules[name]

        yield from visit(main)
        while late := {one for name in done for one in self._imports(self.modules[name], ast.walk(self.modules[name].tree))} - done:
            yield from visit(min(late))

    def _imports(self, module: Module, nodes: Iterable[ast.AST]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                found = (self.imported(module, node, alias) for alias in node.names)
                yield from (origin[0] for origin in found if origin is not None)

    # --- constants and errors ----------------------------------------------------------------------------------

    def _find_constants(self, module: Module) -> None:
        known = {alias: self.constants[origin] for alias, origin in self.bound[module.name].items() if origin in self.constants}
        for name, value in (pair for node in module.tree.body for pair in pairs(node)):
            number = evaluated(value, known)
            if number is not None and name.isupper() and abs(number) < LARGEST_CONSTANT:
                self.constants[module.name, name] = known[name] = number

    def is_silent(self, module: Module, function: ast.expr) -> bool:
        """Return whether a name is that of an error whose text nobody reads."""
        if not isinstance(function, ast.Name):
            return False
        return self.bound[module.name].get(function.id, (module.name, function.id)) in self._silent

    def _find_silent(self) -> Iterator[Origin]:
        """Yield the error that is counted and never shown, and what derives from it in its module."""
        for module in self.order:
            family = {SILENT}
            for node in module.tree.body:
                bases = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
                if isinstance(node, ast.ClassDef) and (bases & family or node.name == SILENT):
                    family.add(node.name)
                    yield module.name, node.name

    # --- what is used ------------------------------------------------------------------------------------------

    def uses(self, module: Module, tree: ast.AST) -> tuple[set[Origin], set[Origin]]:
        """Return the globals of the program, constants aside, that a tree may speak of, and those that it imports only then."""
        early: set[Origin] = set()
        late: set[Origin] = set()
        bound, late_names = self.bound[module.name], self._late_names[module.name]
        for node in outward(tree):
            match node:
                case ast.Name(id=name) if name in module.defined:
                    early.add((module.name, name))
                case ast.Name(id=name) if name in bound:
                    (late if name in late_names else early).add(self.origin(bound[name]))
                case ast.Attribute(value=ast.Name(id=alias), attr=name) if not bound.get(alias, ("", "-"))[1]:
                    early.add(self.origin((bound[alias][0], name)))
        return self._variables(early), self._variables(late)

    def _variables(self, origins: set[Origin]) -> set[Origin]:
        return {origin for origin in origins if origin[1] and origin not in self.constants}

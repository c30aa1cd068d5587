"""What every name of a program becomes."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from string import ascii_lowercase

from .members import Members
from .source import LARGEST_CONSTANT, Module, Origin, PackError, evaluated, identifiers, pairs, short_names, stored

SILENT = "DropError"  # and what derives from it: counted under its class's reason, its text never shown
ENTRY = "main"  # the function that whoever loads the program calls
#: Functions in the packed modules of a unit: while one is loaded, each takes a record more, which is garbage after that. The
#: first find the heap empty.
SIZES = (320, 60)
FUNCTIONS = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def divide(order: Iterable[Module]) -> None:
    """Make as many packed modules of each unit as its functions need: ``app0``, ``app1`` and so on."""
    filled: dict[str, list[int]] = {}
    for module in order:
        numbers = filled.setdefault(module.unit, [0])
        functions = sum(isinstance(node, FUNCTIONS) for node in ast.walk(module.tree))
        if numbers[-1] and numbers[-1] + functions > SIZES[min(len(numbers), len(SIZES)) - 1]:
            numbers.append(0)
        numbers[-1] += functions
        module.unit = f"{module.unit}{len(numbers) - 1}"


class Naming:
    """The modules that ``main`` needs, and the new names of their globals and members."""

    def __init__(self, modules: Iterable[Module], main: str) -> None:
        self._main = main
        self.modules = {module.name: module for module in modules}
        self.bound = {module.name: dict(self._bindings(module)) for module in self.modules.values()}
        self.order = list(self._in_order())
        self.constants: dict[Origin, int] = {}
        for module in self.order:
            self._find_constants(module)
        self.counts = Counter(name for module in self.order for name in identifiers(module.tree))
        self.used = self._reached()
        self._silent = set(self._find_silent())
        divide(self.order)
        self.globals = self._name_globals()
        self._callable = {name for module in self.order for name in (*module.defined, *self.bound[module.name])}
        trees = [module.tree for module in self.order]
        self.members = Members(trees, self._callable)
        self.attributes = self.members.named(self.counts)

    # --- imports -----------------------------------------------------------------------------------------------

    def _bindings(self, module: Module) -> Iterator[tuple[str, Origin]]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (origin := self.imported(module, node, alias)) is not None:
                        yield alias.asname or alias.name, origin

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

    def _in_order(self) -> Iterator[Module]:
        """Yield the modules that are needed, each after those that it imports when it is loaded."""
        done: set[str] = set()

        def visit(module: Module, nodes: Iterable[ast.AST]) -> Iterator[Module]:
            if module.name in done:
                return
            done.add(module.name)
            for name in self._imports(module, nodes):
                yield from visit(self.modules[name], self.modules[name].tree.body)
            yield module

        yield from visit(self.modules[self._main], self.modules[self._main].tree.body)
        while waiting := self._late(done):
            late = waiting[0]
            group = list(visit(self.modules[late], self.modules[late].tree.body))
            for module in group:
                module.unit = late.partition(".")[2].replace(".", "_")
            yield from group

    def _late(self, done: set[str]) -> list[str]:
        """Return what functions of these modules import when they are called, and is not among them; what others build on first."""
        found = (self._imports(self.modules[name], ast.walk(self.modules[name].tree)) for name in done)
        return sorted({late for names in found for late in names} - done, key=lambda name: (name.count("."), name))

    def _imports(self, module: Module, nodes: Iterable[ast.AST]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                found = (self.imported(module, node, alias) for alias in node.names)
                yield from (origin[0] for origin in found if origin is not None)

    def is_silent(self, module: Module, function: ast.expr) -> bool:
        """Return whether a name is that of an error whose text nobody reads."""
        return isinstance(function, ast.Name) and self.bound[module.name].get(function.id) in self._silent

    def _find_silent(self) -> Iterator[Origin]:
        """Yield the error that is counted and never shown, and what derives from it in its module."""
        for module in self.order:
            family = {SILENT}
            for node in module.tree.body:
                bases = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
                if isinstance(node, ast.ClassDef) and (bases & family or node.name == SILENT):
                    family.add(node.name)
                    yield module.name, node.name

    # --- constants ---------------------------------------------------------------------------------------------

    def _find_constants(self, module: Module) -> None:
        known = {alias: self.constants[origin] for alias, origin in self.bound[module.name].items() if origin in self.constants}
        for name, value in (pair for node in module.tree.body for pair in pairs(node)):
            number = evaluated(value, known)
            if number is not None and name.isupper() and abs(number) < LARGEST_CONSTANT:
                self.constants[module.name, name] = known[name] = number

    # --- new names ---------------------------------------------------------------------------------------------

    def _name_globals(self) -> dict[Origin, str]:
        """Name what other packed modules import apart from everything; the rest may have the same name in each."""
        shared = set(self._shared())
        common = short_names(ascii_lowercase, self.counts)
        names = {key: ENTRY if key[1] == ENTRY else next(common) for key in sorted(self.used) if key in shared or key[1] == ENTRY}
        taken = {*self.counts, *names.values()}
        for unit in dict.fromkeys(module.unit for module in self.order):
            fresh = short_names(ascii_lowercase, taken)
            names |= {key: next(fresh) for key in sorted(self.used) if key not in names and self.modules[key[0]].unit == unit}
        return names

    def _shared(self) -> Iterator[Origin]:
        for module in self.order:
            uses = self.uses(module, module.tree)
            yield from (origin for origin in uses if self.modules[origin[0]].unit != module.unit)

    # --- what is used ------------------------------------------------------------------------------------------

    def uses(self, module: Module, tree: ast.AST) -> set[Origin]:
        """Return the globals of the program, constants aside, that a tree may speak of."""
        found: set[Origin] = set()
        bound = self.bound[module.name]
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) if name in module.defined:
                    found.add((module.name, name))
                case ast.Name(id=name) if name in bound:
                    found.add(self.origin(bound[name]))
                case ast.Attribute(value=ast.Name(id=alias), attr=name) if not bound.get(alias, ("", "-"))[1]:
                    found.add(self.origin((bound[alias][0], name)))
                case ast.alias(name=name, asname=asname) if (asname or name) in bound:
                    found.add(self.origin(bound[asname or name]))
        return {origin for origin in found if origin[1] and origin not in self.constants}

    def _reached(self) -> set[Origin]:
        """Return the globals that ``main`` needs."""
        parts = {(module.name, name): (module, node) for module in self.order for node in module.tree.body for name in stored(node)}
        reached: set[Origin] = set()
        waiting = {(self._main, ENTRY)}
        while waiting:
            origin = waiting.pop()
            reached.add(origin)
            waiting |= self.uses(*parts[origin]) - reached
        return reached

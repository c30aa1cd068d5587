"""Applies a naming to one module."""

import ast
from collections.abc import Iterable
from typing import override

from .naming import Naming
from .source import Module, Origin, PackError, handled, identifiers, short_names, stored

type Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Renamer(ast.NodeTransformer):
    """Renames globals, attributes and arguments of one module; ``foreign`` collects what it needs of other units."""

    def __init__(self, naming: Naming, module: Module, home: str) -> None:
        self._naming = naming
        self._program = naming.program
        self._module = module
        self._home = home
        self._bound = naming.program.bound[module.name]
        imports = (node for node in module.tree.body if isinstance(node, ast.Import))
        self._foreign_modules = {alias.name for node in imports for alias in node.names}
        self._scopes: list[dict[str, str]] = []  # of functions and comprehensions: name → new name
        self._class: set[str] | None = None  # names that the class body being visited defines
        self.foreign: set[Origin] = set()

    # --- names -------------------------------------------------------------------------------------------------

    def _global(self, origin: Origin) -> ast.expr:
        owner, name = origin = self._program.origin(origin)
        if origin in self._program.constants:
            return ast.Constant(self._program.constants[origin])
        if not name:
            raise PackError(f"{self._module.name} uses the module {owner} as a value")
        if self._naming.homes[origin] != self._home:
            self.foreign.add(origin)
        name = self._naming.globals[origin]
        if self._class is not None and not self._scopes and name in map(self._attribute, self._class):
            raise PackError(f"a class of {self._module.name} hides {origin} in its body")
        return ast.Name(name, ast.Load())

    def _local(self, name: str) -> str | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _attribute(self, name: str) -> str:
        return self._naming.attributes.get(name, name)

    @override
    def visit_Name(self, node: ast.Name) -> ast.expr:
        if (local := self._local(node.id)) is not None:
            return ast.Name(local, node.ctx)
        if self._class is not None and not self._scopes and node.id in self._class:
            return ast.Name(self._attribute(node.id), node.ctx)
        if node.id in self._module.defined:
            replaced = self._global((self._module.name, node.id))
            return ast.Name(replaced.id, node.ctx) if isinstance(replaced, ast.Name) else replaced
        return self._global(self._bound[node.id]) if node.id in self._bound else node

    @override
    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        """Leave the text of a dropped frame out: it is counted under its class's reason, and each text costs the heap an object."""
        match node.exc:
            case ast.Call(func=function, args=[ast.Constant() | ast.Name()]) if self._program.is_silent(self._module, function):
                node.exc = function
        self.generic_visit(node)
        return node

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and self._local(node.value.id) is None:
            owner, name = self._bound.get(node.value.id, ("", "-"))
            if not name:
                return self._global((owner, node.attr))
            if node.value.id in self._foreign_modules:
                return node
        node.value = self.visit(node.value)
        node.attr = self._attribute(node.attr)
        return node

    @override
    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.BinOp(left=ast.Constant(value="_"), right=name)]):
                node.args[1] = name  # of a handler: its new name has no underscore
        if self._naming.members.is_ours(node.func):
            for one in node.keywords:
                one.arg = one.arg and self._attribute(one.arg)
        self.generic_visit(node)
        return node

    @override
    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        """In a table of handlers, rename the handlers, too."""
        for text, places in handled(node).items():
            for one in places:
                one.value = self._naming.members.handlers.get(text, text)
        self.generic_visit(node)
        return node

    # --- statements --------------------------------------------------------------------------------------------

    @override
    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        """Inside a function: the names stay local, what they stand for comes from another unit."""
        origins = [self._program.imported(self._module, node, alias) for alias in node.names]
        if None in origins:
            return node
        found = [self._program.origin(origin) for origin in origins if origin is not None]
        renamed = [ast.alias(self._naming.globals[one], alias.asname or alias.name) for one, alias in zip(found, node.names, strict=True)]
        return ast.ImportFrom(self._naming.homes[found[0]], renamed, 0)

    @override
    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        node.bases = [self.visit(base) for base in node.bases]
        node.name = self._naming.globals[self._module.name, node.name]
        self._class = {name for child in node.body for name in stored(child)}
        node.body = [self.visit(child) for child in node.body if not _is_docstring(child)] or [ast.Pass()]
        self._class = None
        return node

    @override
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        if self._scopes:
            node.name = self._local(node.name) or node.name
        elif self._class is not None:
            node.name = self._attribute(node.name)
        else:
            node.name = self._naming.globals[self._module.name, node.name]
        self._enter_function(node, node.args)
        node.body = [self.visit(child) for child in node.body if not _is_docstring(child)] or [ast.Pass()]
        self._scopes.pop()
        return node

    @override
    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        self._enter_function(node, node.args)
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    @override
    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        node.names = [self._local(name) or name for name in node.names]
        return node

    # --- scopes ------------------------------------------------------------------------------------------------

    def _enter_function(self, node: ast.FunctionDef | ast.Lambda, given: ast.arguments) -> None:
        """Name the arguments: those passed by name as everywhere, the others by the first free letter."""
        given.defaults = [self.visit(one) for one in given.defaults]
        given.kw_defaults = [one and self.visit(one) for one in given.kw_defaults]
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        by_name = {one.arg: self._attribute(one.arg) for one in arguments if one.arg in self._naming.members.keywords}
        around = (new for scope in self._scopes for new in scope.values())
        used = (self._naming.globals[origin] for origin in self._program.uses(self._module, node)[0])
        taken = {*identifiers(node), *by_name.values(), *around, *used}
        letters = short_names(taken)
        scope = {name: name for name in _locals(node)}
        scope |= {one.arg: by_name.get(one.arg) or next(letters) for one in arguments}
        for one in arguments:
            one.arg = scope[one.arg]
        self._scopes.append(scope)

    def _visit_comprehension[C: Comprehension](self, node: C) -> C:
        names = [one.id for part in node.generators for one in ast.walk(part.target) if isinstance(one, ast.Name)]
        self._scopes.append({name: name for name in names})
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _visit_comprehension  # noqa: N815  # ast's names


def _locals(node: ast.FunctionDef | ast.Lambda) -> Iterable[str]:
    """Yield the names that a function binds itself, without those of its nested functions."""
    outer = {name for child in ast.walk(node) if isinstance(child, ast.Nonlocal) for name in child.names}
    waiting: list[ast.AST] = list(node.body) if isinstance(node, ast.FunctionDef) else [node.body]
    while waiting:
        child = waiting.pop()
        match child:
            case ast.FunctionDef(name=name) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) if name not in outer:
                yield name
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(child))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

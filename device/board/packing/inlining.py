"""Writes functions that are called in one place in that place.

The statements are the same, in the same order. Where that cannot be told from their shape, the function stays: when it
returns from a loop, takes its arguments in an unusual way, or is called in the middle of an expression that does more.
"""

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import override

from .imports import Moved
from .program import Program
from .shapes import Block, structured
from .source import identifiers
from .survey import Defined, Site, Survey

REFUSED = (ast.Yield, ast.YieldFrom, ast.FunctionDef, ast.Lambda, ast.Nonlocal, ast.Global)
PLAIN = (ast.Name, ast.Constant)
UNORDERED = (ast.IfExp, ast.BoolOp, ast.Compare, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)  # what may run parts not once
SHORT, FEW = 7, 2  # expressions in a function, and calls of it, that may be written out


def inline(survey: Survey) -> bool:
    """Write functions where they are called; return whether there were any. Each function is touched once at most."""
    touched: set[ast.FunctionDef] = set()
    for name, found in survey.functions.items():
        sites = survey.sites[name]
        if len(found) != 1 or not survey.is_plain(name) or not 0 < len(sites) == survey.uses[name] or not _worth(found[0], len(sites)):
            continue
        helper, callers = found[0], {site.caller.node for site in sites}
        if touched & {helper.node, *callers} or not all(_fits(helper, site) for site in sites):
            continue
        copies = [Copy(survey.program, helper, site) for site in sites]
        if all(copy.fits for copy in copies):
            for copy in copies:
                copy.write()
            touched |= {helper.node, *callers}
            helper.block.remove(helper.node)
            helper.block.extend([] if helper.block else [ast.Pass()])
    return bool(touched)


def _worth(helper: Defined, calls: int) -> bool:
    """Return whether the copies are smaller than the function: one copy always, more of a short expression."""
    body = _body(helper.node)
    if calls == 1:
        return True
    short = len(body) == 1 and isinstance(body[0], ast.Return) and sum(isinstance(one, ast.expr) for one in ast.walk(body[0]))
    return bool(short) and (short <= SHORT or (calls == FEW and short <= 2 * SHORT))


def _body(node: ast.FunctionDef) -> Block:
    return [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]


def _fits(helper: Defined, site: Site) -> bool:
    """Return whether both functions are of the simple kind, and the call gives each argument."""
    node, given = helper.node, helper.node.args
    strange = given.vararg or given.kwarg or given.posonlyargs or given.kwonlyargs or node.decorator_list
    nodes = [*ast.walk(node)][1:] + [*ast.walk(site.caller.node)][1:]
    if strange or node is site.caller.node or (helper.owner is None) != (site.owner is None):
        return False
    if any(isinstance(one, REFUSED) or (isinstance(one, ast.Name) and one.id == "super") for one in nodes):
        return False
    return _arguments(helper, site) is not None


def _arguments(helper: Defined, site: Site) -> dict[str, ast.expr] | None:
    """Return what the call gives for each argument, in the order of evaluation; None when that is not all."""
    names = [one.arg for one in helper.node.args.args]
    call = site.call
    values = [*([site.owner] if site.owner is not None else []), *call.args]
    if any(isinstance(one, ast.Starred) for one in values) or len(values) > len(names):
        return None
    given = dict(zip(names, values, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}
    defaults = helper.node.args.defaults
    for name, value in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        if name not in given and isinstance(value, ast.Constant):
            given[name] = value
    return given if set(given) == set(names) else None


def bound(node: ast.FunctionDef) -> set[str]:
    """Return the names that a function binds, those of its comprehensions included."""
    found = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    for one in ast.walk(node):
        match one:
            case ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                found |= {alias.asname or alias.name for alias in aliases}
    return found


class Copy:
    """One function at one call. ``fits`` tells whether its shape is one that can stand there."""

    def __init__(self, program: Program, helper: Defined, site: Site) -> None:
        self._site = site
        self._moved = Moved(program, helper.module, site.caller.module)
        self._locals = bound(helper.node)
        self._body = [deepcopy(one) for one in _body(helper.node)]
        self._value: ast.expr | None = None  # of the function, where it goes into the call's statement
        changed = {one.id for part in self._body for one in ast.walk(part) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        given = _arguments(helper, site) or {}
        self._named = {name: one for name, one in given.items() if isinstance(one, PLAIN) and name not in changed}
        self._assigned = {name: one for name, one in given.items() if name not in self._named}
        self._names = self._fresh(helper)
        self._block = self._statements()
        self._globals = self._moved.names(self._free(), bound(site.caller.node))

    @property
    def fits(self) -> bool:
        """Whether it can be written."""
        return self._block is not None and self._globals is not None

    def _fresh(self, helper: Defined) -> dict[str, str]:
        """Return new names for variables that would meet another one of the same name."""
        caller = self._site.caller
        taken = {*identifiers(caller.node), *bound(caller.node), *caller.module.defined, *self._moved.bound}
        names = {}
        for name in sorted(self._locals & taken):
            fresh = f"{name}_"
            while fresh in taken | self._locals | {*identifiers(helper.node)}:
                fresh += "_"
            names[name] = fresh
            taken.add(fresh)
        return names

    def _free(self) -> set[str]:
        """Return the names that the function does not bind."""
        return {one.id for part in self._body for one in ast.walk(part) if isinstance(one, ast.Name)} - self._locals

    def write(self) -> None:
        """Put it in the place of the call."""
        self._moved.bring()
        statement, block = self._site.statement, self._block or []
        values = self._named | {name: ast.Name(new, ast.Load()) for name, new in (self._globals or {}).items()}
        if self._value is not None and statement in block:
            once = self._assigned if len(block) == 1 else {}
            _Put(self._site.call, _Renamed(self._moved, self._names, values | once).visit(self._value)).visit(statement)
            self._assigned = {} if len(block) == 1 else self._assigned
        renamer = _Renamed(self._moved, self._names, values)
        assigned = [ast.Assign([ast.Name(self._names.get(name, name), ast.Store())], one) for name, one in self._assigned.items()]
        done = [one if one is statement else renamer.visit(one) for one in block]
        at = self._site.block.index(statement)
        self._site.block[at : at + 1] = [*assigned, *done] or [ast.Pass()]

    # --- shapes ------------------------------------------------------------------------------------------------

    def _statements(self) -> Block | None:
        """Return what comes in the place of the call's statement; that itself when the function's last value goes into it."""
        statement, call, body = self._site.statement, self._site.call, self._body
        if body and isinstance(body[-1], ast.Return) and body[-1].value is not None and self._is_first(body):
            self._value = body[-1].value
            return [*body[:-1], statement]
        match statement:
            case ast.Return(value=one) if one is call:
                falls = not body or not isinstance(body[-1], (ast.Return, ast.Raise))
                return [*body, *([ast.Return()] if falls else [])]
            case ast.Expr(value=one) if one is call:
                return structured(body, _evaluated)
            case ast.Assign(value=one, targets=[ast.Name() as name]) if one is call:
                return structured(body, lambda value: [ast.Assign([deepcopy(name)], value or ast.Constant(None))])
        return None

    def _is_first(self, body: Block) -> bool:
        """Return whether the value can go where the call is: what comes before it in the statement must not notice."""
        if len(body) == 1:
            return self._keeps_order(body[0])
        inner = any(isinstance(one, ast.Return) for part in body[:-1] for one in ast.walk(part))
        return not inner and self._is_whole(self._site.call)

    def _is_whole(self, call: ast.Call) -> bool:
        match self._site.statement:
            case ast.Assign(value=one) | ast.Return(value=one) | ast.Expr(value=one) | ast.If(test=one):
                return one is call
        return False

    def _keeps_order(self, value: ast.stmt) -> bool:
        """Return whether the arguments that are more than a name are evaluated once each, in order, and before anything is called."""
        if not self._assigned:
            return True
        if any(isinstance(one, UNORDERED) for one in ast.walk(value)):
            return False
        count = len(self._assigned)
        events = [one for one in _events(value) if one is None or one in self._assigned]
        return events[:count] == list(self._assigned) and not set(events[count:]) & {*self._assigned}


def _events(node: ast.AST) -> Iterator[str | None]:
    """Yield names as they are evaluated, and None for what may do something."""
    for child in ast.iter_child_nodes(node):
        yield from _events(child)
    match node:
        case ast.Name(id=name):
            yield name
        case ast.Call() | ast.BinOp() | ast.UnaryOp() | ast.Subscript():
            yield None


def _evaluated(value: ast.expr | None) -> Block:
    return [] if value is None or isinstance(value, PLAIN) else [ast.Expr(value)]


class _Renamed(ast.NodeTransformer):
    """Gives variables their new names, and arguments and globals what stands for them."""

    def __init__(self, moved: Moved, names: dict[str, str], values: Mapping[str, ast.expr]) -> None:
        self._moved = moved
        self._names = names
        self._values = values

    @override
    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._values:
            value = self._values[node.id]
            return deepcopy(value) if isinstance(value, PLAIN) else value
        return ast.Name(self._names.get(node.id, node.id), node.ctx)

    @override
    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        node.name = node.name and self._names.get(node.name, node.name)
        self.generic_visit(node)
        return node

    @override
    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """Say in full what is imported: the call may stand in another package."""
        aliases = [ast.alias(one.name, self._names.get(one.asname or one.name, one.asname)) for one in node.names]
        return ast.ImportFrom(self._moved.target(node), aliases, 0)


class _Put(ast.NodeTransformer):
    """Puts one expression in the place of another."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old = old
        self._new = new

    @override
    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return self._new
        replaced: ast.AST = super().visit(node)
        return replaced

"""Leaves functions out that a small heap would pay for, and that the program can do without; what it does stays the same.

A property becomes a method, what nobody calls goes, and what is called in one place is written there (``inlining``). Each
saves the heap a function object and its entry in a dictionary: the sources can have short functions that say what they do.
"""

import ast
from collections.abc import Iterable
from typing import override

from .folding import fold
from .inlining import inline
from .program import Program
from .source import Module
from .survey import Survey


def slim(modules: Iterable[Module], main: str) -> Program:
    """Return the program with fewer functions. The modules' trees are changed."""
    program = Program(modules, main)
    fold(program)
    _call_properties(Survey(program))
    while _drop_uncalled(survey := Survey(program)) or inline(survey):
        modules = [Module(one.name, one.unit, one.tree, one.is_package) for one in program.modules.values()]
        program = Program(modules, main)
    return program


def _call_properties(survey: Survey) -> None:
    """Make methods of the properties whose names mean nothing else."""
    names = {name for name, found in survey.functions.items() if survey.is_plain(name) and all(one.is_property for one in found)}
    for _, part in survey.parts():
        _Calling(names).visit(part)
    for name in names:
        for one in survey.functions[name]:
            one.node.decorator_list = []


class _Calling(ast.NodeTransformer):
    """Calls what was a property."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        return ast.Call(node, [], []) if node.attr in self._names else node


def _drop_uncalled(survey: Survey) -> bool:
    """Take out the methods that nothing names; return whether there were any."""
    dropped = False
    for name, found in survey.functions.items():
        if survey.is_plain(name) and not survey.uses[name]:
            for one in found:
                if one.owner is not None:
                    remove(one.block, one.node)
                    dropped = True
    return dropped


def remove(block: list[ast.stmt], node: ast.stmt) -> None:
    """Take a statement out of a block, which must not be empty then."""
    block.remove(node)
    if not block:
        block.append(ast.Pass())

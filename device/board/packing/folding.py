"""Computes the byte strings that modules would compute when they are loaded: written out, they stay in the flash."""

import ast
from typing import override

from .program import Program
from .source import Module, evaluated

LONGEST = 64  # bytes


def fold(program: Program) -> None:
    """Write the constant byte strings of all modules out."""
    for module in program.modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.Assign):
                node.value = _Folding(program, module).visit(node.value)


class _Folding(ast.NodeTransformer):
    """Puts a constant in the place of ``bytes(n)``, ``b"…" * n`` and ``b"…" + b"…"``."""

    def __init__(self, program: Program, module: Module) -> None:
        bound = program.bound[module.name].items()
        self._known = {name: program.constants[origin] for name, origin in bound if origin in program.constants}
        self._known |= {name: value for (owner, name), value in program.constants.items() if owner == module.name}

    @override
    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id="bytes"), args=[size], keywords=[]):
                return self._constant(node, bytes(min(evaluated(size, self._known) or 0, LONGEST + 1)))
        return node

    @override
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.BinOp(left=ast.Constant(value=bytes() as left), op=ast.Add(), right=ast.Constant(value=bytes() as right)):
                return self._constant(node, left + right)
            case ast.BinOp(left=ast.Constant(value=bytes() as left), op=ast.Mult(), right=size):
                return self._constant(node, left * min(evaluated(size, self._known) or 0, LONGEST + 1))
        return node

    def _constant(self, node: ast.expr, value: bytes) -> ast.expr:
        return ast.Constant(value) if 0 < len(value) <= LONGEST else node

"""A function's statements without its returns, as they can stand in the middle of another function."""

import ast
from collections.abc import Callable

type Block = list[ast.stmt]
type Finish = Callable[[ast.expr | None], Block]


def structured(body: Block, finish: Finish) -> Block | None:
    """Return the statements with ``finish(value)`` in the place of each return, None when one stands in a loop or ``try``.

    What comes behind a branch that returns goes into its other branch, so every path ends where it did.
    """
    done: Block = []
    for at, statement in enumerate(body):
        if isinstance(statement, ast.Return):
            return [*done, *finish(statement.value)]
        if isinstance(statement, ast.If) and _returns(statement):
            rest = body[at + 1 :]
            ended, other_ended = _ends(statement.body), _ends(statement.orelse)
            if rest and not (ended or other_ended):
                return None  # the rest would have to stand twice
            first = structured(statement.body if ended else [*statement.body, *rest], finish)
            second = structured(statement.orelse if other_ended else [*statement.orelse, *rest], finish)
            if first is None or second is None:
                return None
            return [*done, _branch(statement.test, first, second)]
        if _returns(statement):
            return None
        done.append(statement)
    return [*done, *([] if done and isinstance(done[-1], ast.Raise) else finish(None))]


def _branch(test: ast.expr, first: Block, second: Block) -> ast.If:
    if not first:
        return ast.If(ast.UnaryOp(ast.Not(), test), second or [ast.Pass()], [])
    return ast.If(test, first, second)


def _returns(statement: ast.stmt) -> bool:
    return any(isinstance(one, ast.Return) for one in ast.walk(statement))


def _ends(block: Block) -> bool:
    """Return whether nothing behind this block is reached from it."""
    last = block[-1] if block else None
    if isinstance(last, ast.If):
        return _ends(last.body) and _ends(last.orelse)
    return isinstance(last, (ast.Return, ast.Raise, ast.Continue, ast.Break))

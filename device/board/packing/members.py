"""New names of what classes have: methods, properties, attributes; and of arguments that are passed by name.

Two members that never meet in one object may share a name, which saves the heap one name each. They meet in a class, in its
bases, and as arguments of one function.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
import io

from .source import handled, short_names, stored

#: Methods of the firmware's objects; a member of ours with the same name keeps it.
FIRMWARE_NAMES = frozenset(
    [
        "active",
        "address",
        "config",
        "digest",
        "encrypt",
        "decrypt",
        "flush",
        "gap_advertise",
        "gap_disconnect",
        "gatts_notify",
        "gatts_read",
        "gatts_register_services",
        "gatts_set_buffer",
        "humidity",
        "irq",
        "measure",
        "poll",
        "port",
        "register",
        "stdin",
        "temperature",
        "update",
        "value",
    ]
)
INTERPRETER_NAMES = frozenset(
    name for kind in (str, bytes, bytearray, list, dict, set, tuple, int, io.BytesIO, Exception) for name in dir(kind)
)


class Members:
    """All members of a program. ``functions`` are the names of its globals, which calls may be of."""

    def __init__(self, trees: Iterable[ast.AST], functions: set[str]) -> None:
        self._nodes = [node for tree in trees for node in ast.walk(tree)]
        self._functions = functions
        self.ours = set(self._defined())
        self.keywords = set(self._keywords())
        self.handlers: dict[str, str] = {}  # handlers in tables: what is called "_x" there gets the name that stands for "x"

    def _defined(self) -> Iterator[str]:
        for node in self._nodes:
            match node:
                case ast.ClassDef(body=body):
                    yield from (name for child in body for name in stored(child))
                case ast.Attribute(attr=name, ctx=ast.Store()):
                    yield name

    def is_ours(self, function: ast.expr) -> bool:
        """Return whether a called function or method may be the program's own."""
        match function:
            case ast.Name(id=name):
                return name in self._functions or name == "cls"
            case ast.Attribute(attr=name):
                return name in self.ours or name in self._functions
        return False

    def _keywords(self) -> Iterator[str]:
        for node in self._nodes:
            if isinstance(node, ast.Call) and self.is_ours(node.func):
                yield from (one.arg for one in node.keywords if one.arg)

    def named(self, counts: Counter[str], functions: set[str]) -> dict[str, str]:
        """Return each member's new name: the first that none has which it meets, the most used members first.

        ``functions`` are the new names of globals: an argument that is passed by name must not hide one.
        """
        self.handlers = dict(zip(self._handlers(), short_names(counts), strict=False))
        kept = INTERPRETER_NAMES | FIRMWARE_NAMES | set(self._spoken())
        meets = self._meetings()
        names = {f"_{text}": short for text, short in self.handlers.items()}
        alone = {*counts, *names.values()}
        for name, _ in counts.most_common():
            if name in self.ours | self.keywords and name not in names and name not in kept and not name.startswith("__"):
                taken = {names[other] for other in meets[name] if other in names} | (functions if name in self.keywords else set())
                names[name] = next(short_names(alone | taken))
        return names

    def _spoken(self) -> Iterator[str]:
        """Yield the members that strings may name: what is passed to a function."""
        for node in self._nodes:
            match node:
                case ast.Call(args=arguments):
                    yield from (one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str))

    def _handlers(self) -> list[str]:
        texts = dict.fromkeys(text for node in self._nodes for text in handled(node))
        return [text for text in texts if f"_{text}" in self.ours]

    def _meetings(self) -> dict[str, set[str]]:
        classes = {node.name: node for node in self._nodes if isinstance(node, ast.ClassDef)}
        own = {name: set(_members(node)) for name, node in classes.items()}
        families = [set().union(*(own[one] for one in _line(classes, name))) for name in classes]
        families += [
            {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
            for node in self._nodes
            if isinstance(node, ast.FunctionDef)
        ]
        meets: defaultdict[str, set[str]] = defaultdict(set)
        for family in families:
            for name in family:
                meets[name] |= family - {name}
        return meets


def _members(node: ast.ClassDef) -> Iterator[str]:
    """Yield what a class defines, and what its methods call their own."""
    yield from (name for child in node.body for name in stored(child))
    for child in ast.walk(node):
        match child:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                yield name


def _line(classes: dict[str, ast.ClassDef], name: str) -> Iterator[str]:
    """Yield a class and its bases, as far as they are the program's."""
    if name in classes:
        yield name
        for base in classes[name].bases:
            yield from _line(classes, base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", ""))

"""Source modules: what they define, what their imports bind, and their integer constants."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, product
import keyword
import operator
from pathlib import Path
from string import ascii_lowercase

#: Names that every firmware has in its flash: to use one as a name of ours costs the heap nothing. Those of the format of
#: ``.mpy`` files, then of modules that come with every firmware.
FREE_NAMES = """
    id abs all any chr dir end get int key len map ord pop pow sep set str sum zip args bool copy dict eval exec find hash iter join
    keys list main next open read repr self send sort step stop type bytes clear close const count index items lower print range
    reverse rfind round split start strip super throw tuple upper value write append divmod extend format insert little locals
    lstrip object remove rindex rsplit rstrip sorted update values builtins bytecode callable endswith getattr globals hasattr
    isalpha isdigit islower isspace isupper popitem readinto readline replace reversed setattr bytearray isinstance issubclass
    setdefault startswith to_bytes from_bytes micropython classmethod staticmethod
    e pi cos erf exp hex inf log md5 nan sin tan EIO acos argv asin atan ceil cosh dump erfc exit fabs fmod load log2 modf pack seed
    seek sinh sqrt tanh tell acosh array asinh atan2 atanh chdir crc32 deque dumps errno expm1 floor flush frexp gamma isinf isnan
    ldexp loads log10 match mkdir mount rmdir stdin trunc EPERM choice getcwd gmtime lgamma mktime search umount unlink unpack
    EACCES EAGAIN EEXIST EINVAL EISDIR ENODEV ENOENT ENOMEM degrees heapify heappop hexlify isclose listdir maxsize popleft radians
    randint statvfs uniform
""".split()  # noqa: SIM905  # easier to read without quotes
LARGEST_CONSTANT = 1 << 30  # what fits a small integer; larger ones are objects and stay in one place

type Origin = tuple[str, str]
"""Module and name; an empty name is the module itself."""

_OPERATIONS: dict[type[ast.operator], object] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.Pow: operator.pow,
}


class PackError(Exception):
    """The program uses what the packer does not understand."""


@dataclass(slots=True, eq=False)
class Module:
    """One module; ``name`` is dotted, ``unit`` the packed module that it goes to."""

    name: str
    unit: str
    tree: ast.Module
    is_package: bool = False
    defined: set[str] = field(init=False)

    def __post_init__(self) -> None:
        """Look for what it defines."""
        self.defined = {name for node in self.tree.body for name in stored(node)}

    def target(self, node: ast.ImportFrom) -> str:
        """Return the absolute name of the module that an import names."""
        parts = self.name.split(".")
        base = parts[: len(parts) - node.level + self.is_package] if node.level else []
        return ".".join([*base, *([node.module] if node.module else [])])


def read(folder: Path, package: str, unit: str) -> Iterator[Module]:
    """Read a package's modules, its ``main.py`` and its subpackages aside."""
    for path in sorted(folder.glob("*.py")):
        if path.name != "main.py":
            is_package = path.stem == "__init__"
            name = package if is_package else f"{package}.{path.stem}"
            yield Module(name, unit, ast.parse(path.read_text(encoding="utf-8"), path.name), is_package)


def stored(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope, imports aside."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def pairs(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that an assignment binds with its own value."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            yield from ((name.id, value) for name, value in zip(names, values, strict=True) if isinstance(name, ast.Name))


def evaluated(node: ast.expr, known: Mapping[str, int]) -> int | None:
    """Return the value of an integer expression over the ``known`` names, None for anything else."""
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return known.get(name)
        case ast.Call(func=ast.Name(id="const"), args=[only]):
            return evaluated(only, known)
        case ast.BinOp(left=left, op=operation, right=right):
            values = evaluated(left, known), evaluated(right, known)
            function = _OPERATIONS.get(type(operation))
            if callable(function) and None not in values:
                return int(function(*values))
    return None


def handled(node: ast.AST) -> dict[str, list[ast.Constant]]:
    """Return the handlers that a table of states and packets names, and where: "x" stands for the method "_x"."""
    found: dict[str, list[ast.Constant]] = {}
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Tuple) for key in node.keys):
        for one in node.values:
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                found.setdefault(one.value, []).append(one)
    return found


def outward(tree: ast.AST, hidden: frozenset[str] = frozenset()) -> Iterator[ast.AST]:
    """Yield all nodes of a tree but the names that are an argument or variable of the function around them."""
    if isinstance(tree, ast.Name) and tree.id in hidden:
        return
    yield tree
    inner = hidden | frozenset(_locals(tree)) if isinstance(tree, (ast.FunctionDef, ast.Lambda)) else hidden
    for child in ast.iter_child_nodes(tree):
        yield from outward(child, inner)


def _locals(function: ast.FunctionDef | ast.Lambda) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier of a tree, each as often as it stands there."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name


def short_names(taken: Iterable[str]) -> Iterator[str]:
    """Yield names that are not taken: those that cost nothing, then ever longer ones."""
    refused = {*taken, *keyword.kwlist}
    yield from (name for name in FREE_NAMES if name not in refused)
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            if (name := "".join(letters)) not in refused:
                yield name

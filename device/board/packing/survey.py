"""What a program needs of its own parts: where each function is defined, and who calls or only names it."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from .homes import homes
from .members import FIRMWARE_NAMES, INTERPRETER_NAMES
from .program import ENTRY, Program
from .source import Module, handled, outward, stored

type Block = list[ast.stmt]
HIDING = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)  # code that runs at another time


@dataclass(slots=True, eq=False)
class Defined:
    """A function or method, the block that it stands in, and its class."""

    module: Module
    node: ast.FunctionDef
    block: Block
    owner: ast.ClassDef | None

    @property
    def is_property(self) -> bool:
        """Whether it is read like a value."""
        return any(isinstance(one, ast.Name) and one.id == "property" for one in self.node.decorator_list)


@dataclass(slots=True, eq=False)
class Site:
    """A call in the code of ``caller`` itself, and the statement that it is in; ``owner`` is what the method is called of, if it is one."""

    caller: Defined
    call: ast.Call
    block: Block
    statement: ast.stmt
    owner: ast.expr | None


@dataclass(slots=True)
class Survey:
    """All functions of what a program needs, by name, and how often each name is used; ``stores`` are names of anything else, too."""

    program: Program
    functions: dict[str, list[Defined]] = field(default_factory=lambda: defaultdict(list))
    stores: set[str] = field(default_factory=set)
    uses: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sites: dict[str, list[Site]] = field(default_factory=lambda: defaultdict(list))
    strings: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Walk through everything that is needed."""
        for module, part in self.parts():
            for one in _functions(module, part):
                self.functions[one.node.name].append(one)
                for call, block, statement in _calls(one.node.body):
                    self._note_call(one, call, block, statement)
            foreign = {alias.asname or alias.name for node in ast.walk(module.tree) if isinstance(node, ast.Import) for alias in node.names}
            for node in outward(part):
                self._note(module, node, foreign)

    def parts(self) -> Iterator[tuple[Module, ast.stmt]]:
        """Yield the statements of each module that define something that is needed."""
        needed = homes(self.program)
        for module in self.program.order:
            for part in module.tree.body:
                if any((module.name, name) in needed for name in stored(part)):
                    yield module, part

    def _meant(self, module: Module, name: str) -> str:
        """Return what a global is called where it is defined."""
        origin = self.program.bound[module.name].get(name)
        return (self.program.origin(origin)[1] if origin else name) or name

    def _note_call(self, caller: Defined, call: ast.Call, block: Block, statement: ast.stmt) -> None:
        match call.func:
            case ast.Name(id=name):
                self.sites[self._meant(caller.module, name)].append(Site(caller, call, block, statement, None))
            case ast.Attribute(value=ast.Name(id=alias), attr=name) if not self.program.bound[caller.module.name].get(alias, ("", "-"))[1]:
                self.sites[name].append(Site(caller, call, block, statement, None))  # of a module
            case ast.Attribute(value=owner, attr=name):
                self.sites[name].append(Site(caller, call, block, statement, owner))

    def _note(self, module: Module, node: ast.AST, foreign: set[str]) -> None:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=other) if name in foreign:
                self.stores.add(other)
            case ast.Name(id=name, ctx=ast.Load()):
                self.uses[self._meant(module, name)] += 1
            case ast.Attribute(attr=name, ctx=ast.Load()):
                self.uses[name] += 1
            case ast.Name(id=name) | ast.Attribute(attr=name):
                self.stores.add(name)
            case ast.alias(name=name, asname=other):
                self.stores |= {other} if other else set()
            case ast.Call(args=arguments):  # a string may name a member to ``hasattr``
                self.strings |= {one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)}
            case ast.Dict():
                self.strings |= {f"_{name}" for name in handled(node)}

    def is_plain(self, name: str) -> bool:
        """Return whether all that has this name is the program's functions: no attribute, no firmware's method, no handler in a table."""
        known = name.startswith("__") or name in FIRMWARE_NAMES or name in INTERPRETER_NAMES or name == ENTRY
        return not known and name in self.functions and name not in self.stores and name not in self.strings


def _functions(module: Module, part: ast.stmt) -> Iterator[Defined]:
    if isinstance(part, ast.FunctionDef):
        yield Defined(module, part, module.tree.body, None)
    elif isinstance(part, ast.ClassDef):
        yield from (Defined(module, one, part.body, part) for one in part.body if isinstance(one, ast.FunctionDef))


def _calls(body: Block) -> Iterator[tuple[ast.Call, Block, ast.stmt]]:
    """Yield the calls that a function makes itself, each with its block and statement."""
    waiting = [body]
    while waiting:
        block = waiting.pop()
        for statement in block:
            yield from ((call, block, statement) for call in _own(statement) if isinstance(call, ast.Call))
            waiting += _blocks(statement)


def _blocks(statement: ast.stmt) -> Iterator[Block]:
    """Yield the blocks inside a statement that belong to the same function."""
    if not isinstance(statement, HIDING):
        for name in ("body", "orelse", "finalbody"):
            yield from filter(None, [getattr(statement, name, None)])
        for handler in getattr(statement, "handlers", ()):
            yield handler.body


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that run with it: not those of the blocks in it, or of code for later."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += (one for one in ast.iter_child_nodes(node) if not isinstance(one, (ast.stmt, ast.ExceptHandler, *HIDING)))

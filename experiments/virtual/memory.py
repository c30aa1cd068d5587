"""Everything that is reachable from an object, searched for byte strings: what a program has in its memory."""

from array import array
from collections.abc import Iterable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

LEAVES = (int, float, bool, type(None), type, ModuleType)


def reachable(*roots: object, but: Iterable[object] = ()) -> Iterator[bytes]:
    """Yield every byte string, text and array that can be reached by attributes, items, bound objects and closures.

    `but` are objects that an experiment has put into a program: they are not looked into.
    """
    seen = {id(one) for one in but}
    waiting: list[Any] = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, LEAVES):
            continue
        seen.add(id(one))
        waiting += _parts(one)
        yield from _bytes(one)


def _bytes(one: Any) -> Iterator[bytes]:
    if isinstance(one, bytes | bytearray | memoryview | array):
        yield bytes(one)
    elif isinstance(one, str):
        yield one.encode()


def _parts(one: Any) -> list[Any]:
    if isinstance(one, dict):
        return [*one.keys(), *one.values()]
    if isinstance(one, list | tuple | set | frozenset):
        return list(one)
    if isinstance(one, MethodType):
        return [one.__self__, one.__func__]
    if isinstance(one, FunctionType):
        return [cell.cell_contents for cell in one.__closure__ or ()]
    slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(one, name, None) for name in (*slots, *getattr(one, "__dict__", ()))]


def found(secrets: Iterable[bytes], *roots: object, but: Iterable[object] = ()) -> set[bytes]:
    """Return those of the secrets that are in the memory, raw or in hex."""
    blobs = list(reachable(*roots, but=but))
    return {one for one in secrets if any(one in blob or one.hex().encode() in blob.lower() for blob in blobs)}

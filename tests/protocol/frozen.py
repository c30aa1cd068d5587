"""The whole state of an object, as a value that can be compared: what was dropped must have changed nothing."""

from collections import deque
from collections.abc import Iterator, Mapping, Set as AbstractSet
from enum import Enum
from typing import Any

_PASSING = frozenset({"_heard", "_dropped", "_events"})  # when it was heard, that it was counted, and that it is told
_OPAQUE = ("X25519PrivateKey", "method", "builtin_function_or_method", "function", "LossSuite", "HybridSuite")


def freeze(value: Any, seen: frozenset[int] = frozenset()) -> Any:
    """Return nested tuples of all that `value` holds, following every attribute; cycles end."""
    if value is None or isinstance(value, bool | int | float | str | bytes | Enum):
        return value
    if id(value) in seen or type(value).__name__ in _OPAQUE:
        return type(value).__name__
    return _freeze_container(value, seen | {id(value)})


def _freeze_container(value: Any, seen: frozenset[int]) -> Any:
    if isinstance(value, Mapping):
        return tuple((freeze(key, seen), freeze(item, seen)) for key, item in value.items())
    if isinstance(value, AbstractSet):
        return frozenset(freeze(item, seen) for item in value)
    if isinstance(value, list | tuple | deque | bytearray):
        return tuple(freeze(item, seen) for item in value)
    return (type(value).__name__, tuple((name, freeze(item, seen)) for name, item in _attributes(value)))


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
    for name in sorted({*slots, *getattr(value, "__dict__", {})} - _PASSING):
        if hasattr(value, name):
            yield name, getattr(value, name)


def _slots(kind: type) -> tuple[str, ...]:
    slots = getattr(kind, "__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)

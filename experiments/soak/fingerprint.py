"""A deep picture of a side's state, to show that a frame has changed nothing; what only counts is left out."""

from collections.abc import Iterator
from typing import Any, Final

_ATOMS: Final = (int, float, str, bytes, bool, type(None))
COUNTERS: Final = frozenset(
    {"_dropped", "discarded", "statistics", "counters", "_heard", "hellos", "assembler", "_reassembler", "unanswered", "used_at", "yields"}
)
"""Counters, the reassemblers that any fragment touches, when one came, and that somebody asked while no window was open."""
OUTSIDE: Final = frozenset(
    {
        "_frames",
        "_fragments",
        "_outbox",
        "_entropy",
        "_settings",
        "_port",
        "_let_go",
        "_hold",
        "_save",
        "human_check",
        "_suite",
        "suite",
        "negotiation",
    }
)
"""What belongs to others: what waits to be sent, functions, options, and whose frames came over a link (any repeat may tell)."""
_LEFT_OUT: Final = COUNTERS | OUTSIDE


def picture(thing: Any) -> Any:
    """Return nested tuples of everything reachable from `thing`; equal pictures are equal states."""
    return _picture(thing, set())


def _picture(thing: Any, seen: set[int]) -> Any:
    if isinstance(thing, _ATOMS):
        return thing
    if callable(thing) or id(thing) in seen:
        return type(thing).__name__
    seen.add(id(thing))
    try:
        return (type(thing).__name__, *_parts(thing, seen))
    finally:
        seen.discard(id(thing))


def _parts(thing: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(thing, dict):
        yield from ((_picture(key, seen), _picture(value, seen)) for key, value in thing.items())
    elif isinstance(thing, (set, frozenset)):
        yield from sorted(thing)
    elif hasattr(thing, "__iter__") and not hasattr(thing, "__dict__"):
        yield from (_picture(value, seen) for value in thing)
    else:
        yield from ((name, _picture(value, seen)) for name, value in _fields(thing) if name not in _LEFT_OUT)


def _fields(thing: Any) -> Iterator[tuple[str, Any]]:
    for owner in type(thing).__mro__:
        names = owner.__dict__.get("__slots__", ())
        yield from ((name, getattr(thing, name)) for name in names if hasattr(thing, name))
    yield from sorted(getattr(thing, "__dict__", {}).items())

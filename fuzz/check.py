"""How a target says that its invariant is broken, and how it reads structure out of the fuzzer's bytes."""

from collections.abc import Iterator


class BrokenError(AssertionError):
    """The invariant of a target does not hold."""


def require(holds: bool, text: str) -> None:
    """BrokenError with `text` unless `holds`."""
    if not holds:
        raise BrokenError(text)


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut `data` into pieces, each behind a byte that tells its length; the last may be shorter."""
    at = 0
    while at < len(data):
        size = data[at]
        yield data[at + 1 : at + 1 + size]
        at += 1 + size

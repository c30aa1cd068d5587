"""What the modules of a room import, read from their syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def modules(room: str, *without: str) -> Iterator[Path]:
    """Yield the Python files of a room (a folder of the repository), but for those within the folders `without`."""
    for path in sorted((ROOT / room).rglob("*.py")):
        if not any(path.is_relative_to(ROOT / other) for other in without):
            yield path


def imported(path: Path) -> set[str]:
    """Return the absolute dotted names that a file imports, at any depth; `from a import b` gives both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def _base(path: Path, node: ast.ImportFrom) -> str:
    """Return the absolute name of what `from ... import` names."""
    if node.level == 0:
        return node.module or ""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join([*parts[: len(parts) - node.level], *([node.module] if node.module else [])])


def roots(path: Path) -> set[str]:
    """Return the first parts of what a file imports."""
    return {name.partition(".")[0] for name in imported(path)}


def within(name: str, packages: tuple[str, ...]) -> bool:
    """Tell whether a dotted name is one of `packages` or inside of one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offenders(room: str, forbidden: tuple[str, ...], *without: str) -> dict[str, set[str]]:
    """Return the files of a room that import something forbidden, and what."""
    found = {path: {name for name in imported(path) if within(name, forbidden)} for path in modules(room, *without)}
    return {str(path.relative_to(ROOT)): names for path, names in found.items() if names}

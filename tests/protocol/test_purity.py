"""The protocol is pure: bytes, time and entropy come in as arguments (architecture.md)."""

import ast
from pathlib import Path
import subprocess
import sys

import pytest

from custom_components.self_secure import protocol

ROOM = Path(protocol.__file__).parent
FILES = sorted(ROOM.rglob("*.py"))
FORBIDDEN = {
    "homeassistant",
    "bleak",
    "habluetooth",
    "asyncio",
    "logging",
    "time",
    "datetime",
    "random",
    "secrets",
    "os",
    "threading",
    "socket",
}
ALLOWED_FOREIGN = {"cryptography"}


def imported(path: Path) -> set[str]:
    """Return the top-level names of absolute imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in names}


def climbs(path: Path) -> list[int]:
    """Return the lines of relative imports that leave the room."""
    depth = len(path.relative_to(ROOM).parts)
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level > depth]


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports_only_the_standard_library_and_cryptography(path: Path) -> None:
    assert imported(path) & FORBIDDEN == set()
    assert imported(path) <= sys.stdlib_module_names | ALLOWED_FOREIGN
    assert climbs(path) == []


def test_importing_it_loads_no_home_assistant() -> None:
    code = "import sys, custom_components.self_secure.protocol.connection; print(sorted({'homeassistant', 'bleak', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOM.parents[2])  # noqa: S603  # our own line
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300

"""Reading the integration's files for the tests of its metadata."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

import custom_components.self_secure as integration

ROOM = Path(integration.__file__).parent
ROOT = ROOM.parents[1]
MANIFEST = json.loads((ROOM / "manifest.json").read_text())
TEXTS = json.loads((ROOM / "translations" / "en.json").read_text())
ICONS = json.loads((ROOM / "icons.json").read_text())
MODULES = sorted(ROOM.glob("*.py"))
PLATFORMS = ("binary_sensor", "button", "event", "notify", "sensor")


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return set(re.findall(r"{(\w+)}", text))


def leaves(texts: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every text."""
    for key, value in texts.items():
        here = f"{path}.{key}"
        yield from leaves(value, here) if isinstance(value, dict) else [(here, value)]


def raised_texts() -> Iterator[tuple[str, set[str]]]:
    """Yield key and placeholders of every translated error that the code makes."""
    for path in MODULES:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _raised_in(function)


def _raised_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, set[str]]]:
    assigned = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        given = {one.arg: one.value for one in node.keywords} if isinstance(node, ast.Call) else {}
        key = given.get("translation_key")
        if "translation_domain" in given and isinstance(key, ast.Constant):
            yield str(key.value), _keys(given.get("translation_placeholders"), assigned)


def _keys(value: ast.expr | None, assigned: dict[str, ast.expr]) -> set[str]:
    if isinstance(value, ast.Name):
        value = assigned[value.id]
    return {str(key.value) for key in value.keys if isinstance(key, ast.Constant)} if isinstance(value, ast.Dict) else set()


def reference_exists(reference: str) -> bool:
    """Tell whether "path, name" names a test, a symbol or a section of a document that is there."""
    file, _, name = (part.strip() for part in reference.partition(", "))
    path = next((place / file for place in (ROOT, ROOM) if (place / file).exists()), None)
    if path is None or path.is_dir():
        return path is not None
    text = path.read_text()
    if not name:
        return True
    return bool(re.search(rf"^#+ {re.escape(name)}$", text, re.MULTILINE)) if path.suffix == ".md" else name in text

"""docs/protocol.md against both implementations: constants, the way from the paper to the code, what comments cite."""

import ast
from importlib import import_module
import re

import pytest

from tests.docs.imports import ROOT, modules

TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
HUB = "custom_components/self_secure/protocol"
DEVICE = "device/self_secure_device"
SECONDS = {"s": 1, "min": 60, "h": 3600}  # units of the tables that are times
CITING = ("custom_components", "device", "simulation")


def part(title: str) -> str:
    """Return the section or appendix whose heading begins with `title`."""
    return TEXT.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows but the heads."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in cells] for cells in lines if cells[0].strip() not in ("Constant", "Paper")]


CONSTANTS = rows(part("Appendix B"))
PAPER = rows(part("Appendix E"))
HEADINGS = re.findall(r"^## (\d+)\.", TEXT, re.MULTILINE)
RULES = {number: set(re.findall(r"^(\d+)\. ", part(f"{number}."), re.MULTILINE)) for number in HEADINGS}


def of_the_hub(module: str, name: str) -> float:
    """Return a constant of the hub; times are in seconds."""
    return float(getattr(import_module(f"custom_components.self_secure.protocol.{module}"), name))


def of_the_device(module: str, name: str) -> float:
    """Return a constant of the device; times are in milliseconds."""
    return float(getattr(import_module(f"self_secure_device.{module}"), name))


def values(column: int) -> list[tuple[str, str, str]]:
    """Return (constant, value, name) of one column of the first table, which has a column for each side."""
    return [(cells[0], cells[1], cells[column].strip("`")) for cells in CONSTANTS if len(cells) == 5]


def only(number: int) -> list[tuple[str, str, str]]:
    """Return the rows of the second or third table: constants of the hub, or of the device, alone."""
    table = re.split(r"\n\n(?=\| Constant)", part("Appendix B"))[number]
    return [(cells[0], cells[1], cells[2].strip("`")) for cells in rows(table)]


def written(value: str, scale: int) -> float:
    """Return the number in a cell; a time in seconds is multiplied by `scale`."""
    number, _, unit = value.partition(" ")
    return float(number) * (SECONDS[unit] * scale if unit in SECONDS else 1)


def test_the_tables_are_read() -> None:
    assert min(len(values(2)), len(values(3))) >= 25
    assert min(len(only(2)), len(only(3))) >= 9
    assert len(PAPER) > 60


@pytest.mark.parametrize(("constant", "value", "name"), [*values(2), *only(2)])
def test_a_constant_of_the_hub(constant: str, value: str, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert of_the_hub(module, attribute) == written(value, 1)


@pytest.mark.parametrize(("constant", "value", "name"), [*values(3), *only(3)])
def test_a_constant_of_the_device(constant: str, value: str, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert of_the_device(module, attribute) == written(value, 1000)


@pytest.mark.parametrize("cells", PAPER, ids=lambda cells: cells[0])
def test_the_code_for_an_item_of_the_paper_exists(cells: list[str]) -> None:
    places = [ROOT / HUB / name for name in re.findall(r"`([\w/]+\.py)`", cells[2])]
    places += [ROOT / DEVICE / name for name in re.findall(r"`([\w/]+\.py)`", cells[3])]
    assert [str(place) for place in places if not place.is_file()] == []


@pytest.mark.parametrize("cells", PAPER, ids=lambda cells: cells[0])
def test_the_test_for_an_item_of_the_paper_exists(cells: list[str]) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", cells[4])
    assert named or cells[4] == "a later release"
    assert [name for path, name in named if name not in functions(path)] == []


def functions(path: str) -> set[str]:
    """Return the names of all functions of a test file."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("number", range(1, 16))
def test_every_formula_of_the_paper_has_a_row(number: int) -> None:
    assert [cells[0] for cells in PAPER if cells[0].startswith(f"({number}) ")] != []


def test_what_comments_cite_is_there() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for room in CITING for path in modules(room))
    cited = re.findall(r"protocol\.md (\d+)(?:,? rules? (\d+))?", text)
    assert len(cited) > 50
    assert [(number, rule) for number, rule in cited if number not in HEADINGS or (rule and rule not in RULES[number])] == []

"""docs/architecture.md against the tree: rooms and files exist, and imports go the ways that it says."""

from itertools import chain
import re
import sys

import pytest

from tests.docs.imports import ROOT, imported, modules, offenders, roots, within

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
HUB = "custom_components/self_secure"
PACKAGE = "custom_components.self_secure"
PROTOCOL = f"{HUB}/protocol"
OURS = ("simulation", "demo", "experiments", "tests", "benchmarks", "fuzz")
DEVICE = ("device", "self_secure_device", "self_secure_device_linux")
NOT_PURE = {"asyncio", "logging", "time", "datetime", "os", "secrets", "random", "socket", "threading", "subprocess", "pathlib", "io"}
LAYERS = [set(layer.split()) for layer in re.sub(r"\s+", " ", re.findall(r"```\n(limits .*?)```", TEXT, re.DOTALL)[0]).split("<-")]


def named_rooms() -> list[str]:
    return re.findall(r"^\| `([\w/]+/)` \|", TEXT.split("## Rooms")[1].split("\n## ")[0], re.MULTILINE)


def named_files() -> list[str]:
    """Every file in backquotes, with its folder: as written, in the hub, in its protocol, or in the device's core."""
    return sorted(set(re.findall(r"`([\w/]+\.(?:py|md))`", TEXT)))


def test_rooms_are_found() -> None:
    assert len(named_rooms()) > 10
    assert len(named_files()) > 60


@pytest.mark.parametrize("room", named_rooms())
def test_a_named_room_exists(room: str) -> None:
    assert (ROOT / room).is_dir()


@pytest.mark.parametrize("name", named_files())
def test_a_named_file_exists(name: str) -> None:
    places = (ROOT, ROOT / HUB, ROOT / PROTOCOL, ROOT / "device/self_secure_device", ROOT / "device/linux", ROOT / "device/esp32")
    assert any((place / name).is_file() for place in places)


def test_every_room_is_named() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".") and any(path.rglob("*.py"))}
    assert folders <= {room.partition("/")[0] for room in named_rooms()}, "describe the new room in docs/architecture.md"


def test_every_file_of_the_benchmarks_is_named() -> None:
    present = {f"benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("*.py")} - {"benchmarks/__init__.py"}
    assert present <= set(named_files()), "describe the new file in docs/architecture.md"


def test_the_protocol_is_pure() -> None:
    allowed = (set(sys.stdlib_module_names) - NOT_PURE) | {"cryptography", "custom_components"}
    found = {path.name: roots(path) - allowed for path in modules(PROTOCOL)}
    assert {name: bad for name, bad in found.items() if bad} == {}


@pytest.mark.parametrize(
    ("room", "forbidden", "without"),
    [
        (HUB, (*OURS, *DEVICE), ()),
        (HUB, ("bleak", "bleak_retry_connector"), (f"{HUB}/transport", f"{HUB}/messages.py")),
        (f"{HUB}/transport", ("homeassistant", "habluetooth"), ()),
        ("device/self_secure_device", (*OURS, "custom_components", "self_secure_device_linux", "typing", "dataclasses", "enum"), ()),
        ("device/linux", (*OURS, "custom_components"), ()),
        ("device/esp32", (*OURS, "custom_components", "self_secure_device_linux", "bumble"), ()),
        ("device/board", (*OURS, "custom_components"), ()),
        ("simulation", ("custom_components", "demo", "experiments", "tests"), ()),
        ("experiments", ("tests", "demo"), ()),
        ("demo", ("tests",), ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_room_imports_nothing_forbidden(room: str, forbidden: tuple[str, ...], without: tuple[str, ...]) -> None:
    assert offenders(room, forbidden, *without) == {}


@pytest.mark.parametrize(("room", "allowed"), [("protocol", ("protocol",)), ("transport", ("protocol", "transport"))])
def test_a_room_of_the_hub_looks_only_down(room: str, allowed: tuple[str, ...]) -> None:
    names = {name for path in modules(f"{HUB}/{room}") for name in imported(path) if within(name, (PACKAGE,))}
    assert names
    assert {name for name in names if not within(name, tuple(f"{PACKAGE}.{room}" for room in allowed))} == set()


def test_every_module_of_the_protocol_has_a_layer() -> None:
    present = {path.relative_to(ROOT / PROTOCOL).parts[0].removesuffix(".py") for path in modules(PROTOCOL)} - {"__init__", "__pycache__"}
    assert present == set(chain.from_iterable(LAYERS)), "put it into the layers of docs/architecture.md"


@pytest.mark.parametrize("number", range(len(LAYERS)))
def test_a_layer_of_the_protocol_imports_lower_ones_only(number: int) -> None:
    package = f"{PACKAGE}.protocol"
    below = set(chain.from_iterable(LAYERS[:number]))
    paths = [path for path in modules(PROTOCOL) if path.relative_to(ROOT / PROTOCOL).parts[0].removesuffix(".py") in LAYERS[number]]
    names = {
        name.removeprefix(f"{package}.").partition(".")[0] for path in paths for name in imported(path) if name.startswith(f"{package}.")
    }
    assert paths
    assert names - below - (LAYERS[number] & {"suites"}) == set()

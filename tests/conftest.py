"""Which test runs in which pytest run, and sockets of this machine for all of them."""

from typing import TYPE_CHECKING

import pytest

import custom_components  # noqa: F401  # first: Home Assistant looks for integrations in the package that was imported first

if TYPE_CHECKING:
    from pathlib import Path

#: Rooms whose every test needs Home Assistant's pytest plugin.
HOME_ASSISTANT_ROOMS = frozenset({"integration", "end_to_end"})


def needs_home_assistant(path: Path, fixtures: list[str]) -> bool:
    """Return whether a test belongs to the run with Home Assistant's pytest plugin: by its room, or because it asks for ``hass``."""
    return "hass" in fixtures or not HOME_ASSISTANT_ROOMS.isdisjoint(path.parts)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what ``scripts/test`` runs with Home Assistant's plugin; a test may also carry the mark by itself."""
    for item in items:
        if needs_home_assistant(item.path, item.fixturenames):
            item.add_marker(pytest.mark.home_assistant)


@pytest.fixture(autouse=True)
def sockets_of_this_machine(socket_enabled: None) -> None:
    """Lift the ban on sockets of Home Assistant's plugin; its limit to 127.0.0.1 stays."""

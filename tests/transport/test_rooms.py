"""Which way imports go (architecture.md), looked at in a fresh interpreter."""

import subprocess
import sys

import pytest

PACKAGE = "custom_components.self_secure"


def imported_with(module: str) -> set[str]:
    """Return the top-level packages that importing the module loads."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())  # noqa: S603  # our own code


@pytest.mark.parametrize("module", [PACKAGE, f"{PACKAGE}.protocol.connection", f"{PACKAGE}.transport.beacon", f"{PACKAGE}.const"])
def test_light_modules_load_neither_home_assistant_nor_bleak(module: str) -> None:
    assert imported_with(module).isdisjoint({"homeassistant", "bleak", "bleak_retry_connector", "habluetooth", "bthome_ble"})


@pytest.mark.parametrize("module", [f"{PACKAGE}.transport.client", f"{PACKAGE}.transport.gatt"])
def test_transport_loads_no_home_assistant(module: str) -> None:
    assert "homeassistant" not in imported_with(module)


def test_pump_loads_no_bleak() -> None:
    assert "bleak" not in imported_with(f"{PACKAGE}.transport.client")

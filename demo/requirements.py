"""What a plain ``hass`` of the installed version loads by default, as requirements.

Home Assistant sets up about eighty default integrations and installs packages for them while it starts. This module derives
those packages from the installed manifests so that ``scripts/setup`` installs them once and ``hass --skip-pip`` starts at once.
Printing to stdout is its interface: one requirement a line.
"""

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
from typing import Any

import homeassistant
from homeassistant.bootstrap import CORE_INTEGRATIONS, DEFAULT_INTEGRATIONS, STAGE_0_INTEGRATIONS

COMPONENTS = Path(homeassistant.__file__).parent / "components"

#: Integrations that the demo's ``configuration.yaml`` names: what a person sees of a device, nothing that searches the network.
CONFIGURED = ("bluetooth", "config", "history", "logbook", "my")

#: Integrations whose Bluetooth matcher (company 0xFFFF) a virtual advertisement wakes.
WOKEN = ("kegtron",)

#: Integrations that others import without depending on them: usb and analytics name it in `after_dependencies` only.
IMPORTED = ("hassio",)

#: Stage 0 sets these up only where something else asks for them.
OPTIONAL_STAGE_0 = frozenset({"debugpy", "zeroconf"})


def manifest(domain: str) -> dict[str, Any]:
    """Return the manifest of an integration of Home Assistant; empty for one that ships none."""
    path = COMPONENTS / domain / "manifest.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def with_dependencies(domains: Iterable[str]) -> set[str]:
    """Return the domains and everything that they depend on, directly or not."""
    waiting, found = list(domains), set[str]()
    while waiting:
        domain = waiting.pop()
        if domain not in found:
            found.add(domain)
            waiting.extend(manifest(domain).get("dependencies", ()))
    return found


def default_domains() -> set[str]:
    """Return what the demo's Home Assistant sets up before any device is added."""
    stage_0 = set[str]().union(*(domains for _, domains, _ in STAGE_0_INTEGRATIONS)) - OPTIONAL_STAGE_0
    return with_dependencies({*CORE_INTEGRATIONS, *DEFAULT_INTEGRATIONS, *stage_0, *CONFIGURED, *WOKEN, *IMPORTED})


def requirements(domains: Iterable[str]) -> Iterator[str]:
    """Yield the requirements of these integrations, sorted, each once."""
    yield from sorted({requirement for domain in domains for requirement in manifest(domain).get("requirements", ())})


if __name__ == "__main__":
    print("\n".join(requirements(default_domains())))

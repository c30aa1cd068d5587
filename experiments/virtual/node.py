"""The device's side: the real core with a store in memory and a log of what it told its program."""

from collections.abc import Callable
from typing import Any

from self_secure_device import profiles
from self_secure_device.device import Device
from self_secure_device.request import Parameters
from self_secure_device.suites import HYBRID_ID


class Node:
    """One device; `power_cut` loses its memory and keeps its storage."""

    def __init__(
        self, identity: bytes, urandom: Callable[[int], bytes], *, suites: tuple[int, ...] = (HYBRID_ID,), interval: int = 30
    ) -> None:
        self.urandom = urandom
        self._identity, self._parameters = identity, Parameters(suites, interval=interval)
        self.stored: bytes | None = None
        self.writes = 0
        self.log: list[tuple[str, Any]] = []
        self.core = self._start()

    def _start(self) -> Device:
        profile = profiles.Thermometer(lambda: (21.5, 40.0, 90))
        return Device(self, self._identity, self.stored, self._parameters, "Node", profiles.info("Node", profile))

    def power_cut(self) -> None:
        """Lose the memory, start again from the storage."""
        self.core = self._start()

    # --- the core's port

    def save(self, data: bytes) -> None:
        """Keep a snapshot."""
        self.stored = data
        self.writes += 1

    def event(self, kind: str, value: object) -> None:
        """Hear the core."""
        self.log.append((kind, value))

    def told(self, kind: str) -> list[Any]:
        """Return the values of all events of a kind."""
        return [value for name, value in self.log if name == kind]

"""Simulated sensors: a bounded random walk that repeats for one seed."""

from random import Random
from typing import Any

from self_secure_device import profiles

LOWEST, HIGHEST = 15.0, 30.0  # °C: a lived-in room
DRIEST, WETTEST = 25.0, 75.0  # % humidity
CHARGE = 95  # % battery; it does not run down here


class Room:
    """Temperature and humidity that wander; every call is the next step."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = Random(seed)
        self._degrees = self._random.uniform(19.0, 23.0)
        self._percent = self._random.uniform(40.0, 55.0)

    def __call__(self) -> tuple[float, float, int]:
        """Return (°C, % humidity, % battery)."""
        self._degrees = min(HIGHEST, max(LOWEST, self._degrees + self._random.uniform(-0.4, 0.4)))
        self._percent = min(WETTEST, max(DRIEST, self._percent + self._random.uniform(-1.5, 1.5)))
        return self._degrees, self._percent, CHARGE


def battery() -> int:
    """Return % battery."""
    return CHARGE


def build(profile: str, seed: int | None = None) -> Any:
    """Return the (untyped) profile of that name on simulated sensors; DeviceError when there is none."""
    kind = profiles.profile(profile)
    return kind(Room(seed) if kind is profiles.Thermometer else battery)

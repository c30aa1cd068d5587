"""Where everything stands, and how strongly it is heard there."""

from dataclasses import dataclass
import math

RSSI_AT_ONE_METRE = -45
PATH_LOSS_EXPONENT = 2.4
"""Indoors, between free space (2) and through walls (3 and more)."""
NEAREST = 0.3
"""Metres; below this the model of a far field means nothing."""
WEAKEST_RSSI = -100
"""dBm; below a receiver's sensitivity a number would only mislead: what is lost is decided by the loss model alone."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point of the floor plan, in metres.

    Raises:
        ValueError: a coordinate is not finite.
    """

    x: float
    y: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y)):
            raise ValueError(f"a place needs finite coordinates, not {self.x}, {self.y}")

    def distance(self, other: Place) -> float:
        """Metres between two places."""
        return math.hypot(self.x - other.x, self.y - other.y)

    def encode(self) -> dict[str, float]:
        """As JSON."""
        return {"x": self.x, "y": self.y}


def rssi(sender: Place, receiver: Place, gain: float = 0.0) -> int:
    """Received signal strength in dBm after the log-distance model; `gain` in dB is negative for what walls take away."""
    metres = max(NEAREST, sender.distance(receiver))
    return max(WEAKEST_RSSI, round(RSSI_AT_ONE_METRE - 10 * PATH_LOSS_EXPONENT * math.log10(metres) + gain))


def scanner_place(index: int) -> Place:
    """Scanners stand along a corridor, eight metres apart."""
    return Place(8.0 * index, 0.0)


def device_place(index: int) -> Place:
    """Devices stand at uneven distances on the other side of the corridor, none as near to one scanner as to another."""
    return Place(1.0 + 2.3 * index, 3.0 + 0.7 * (index % 3))


EVE_PLACE = Place(-5.0, 9.0)
"""Outside, behind a corner of the house."""

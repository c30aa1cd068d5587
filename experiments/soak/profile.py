"""What a soak is run with: the suite, and sizes small enough that a million steps end within minutes."""

from dataclasses import dataclass
from typing import Any, Final

from custom_components.self_secure.protocol.limits import N_MAX_LIMIT
from custom_components.self_secure.protocol.settings import Settings
from custom_components.self_secure.protocol.suites import SUITES

HUB_ID: Final = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
DEVICE_ID: Final = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
SUITE_IDS: Final = {"paper": 0x00, "loss": 0x01, "hybrid": 0x11}
MINIMUM: Final = 16  # the least N_r that anybody may ask for
TARGET_BITS: Final = 4
N_MAX: Final = 64  # some four times the set: enough for 70 % loss
W: Final = 8  # a change of epoch every few dozen steps
INTERVAL: Final = 30  # ms


@dataclass(frozen=True, slots=True)
class Profile:
    """One suite with its sizes, and a device's identity."""

    suite: str = "hybrid"
    identity: bytes = DEVICE_ID

    @property
    def suite_id(self) -> int:
        """The suite's number."""
        return SUITE_IDS[self.suite]

    @property
    def shows_code(self) -> bool:
        """Tell whether the user compares six digits."""
        return bool(SUITES[self.suite_id].has_dh)

    @property
    def n_max(self) -> int:
        """The longest broadcast; in suite paper it is a constant."""
        return N_MAX_LIMIT if self.suite == "paper" else N_MAX

    def settings(self) -> Settings:
        """Return the options of a hub that has just started."""
        options: dict[str, Any] = {"minimum": MINIMUM, "target_bits": TARGET_BITS, "n_max": self.n_max, "w": W}
        return Settings(hub_id=HUB_ID, floor=self.suite_id, **options)

"""The hub's options, with the bounds of protocol.md 4."""

from dataclasses import dataclass, field

from . import limits
from .collection import StopRule
from .errors import LocalError
from .refusal import Refusals
from .suites import HYBRID
from .terms import HumanCheckSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The hub's options (protocol.md 4, defaults); `human_check` and `refusals` are one per hub."""

    hub_id: bytes
    floor: int = HYBRID.id
    minimum: int = limits.DEFAULT_MINIMUM
    target_bits: int = limits.DEFAULT_TARGET_BITS
    assumed_loss: int = limits.DEFAULT_ASSUMED_LOSS
    n_max: int = limits.DEFAULT_N_MAX
    w: int = limits.DEFAULT_W
    omega: int = limits.DEFAULT_OMEGA
    human_check: HumanCheckSlot = field(default_factory=HumanCheckSlot)
    refusals: Refusals = field(default_factory=Refusals)

    def __post_init__(self) -> None:
        """LocalError outside the bounds of protocol.md 4."""
        fits = (
            len(self.hub_id) == limits.IDENTITY_SIZE
            and limits.PACKETS_FLOOR <= self.minimum <= self.n_max <= limits.N_MAX_LIMIT
            and limits.ASSUMED_LOSS_MIN <= self.assumed_loss <= limits.ASSUMED_LOSS_MAX
            and 0 <= self.target_bits <= limits.U16_MAX
            and 1 <= self.w <= limits.DEFAULT_W
            and 0 <= self.omega < limits.U8_MAX
        )
        if not fits:
            raise LocalError("a setting is outside its bounds")

    @property
    def rule(self) -> StopRule:
        """What a set has to reach."""
        return StopRule(self.minimum, self.target_bits, self.assumed_loss, self.n_max)

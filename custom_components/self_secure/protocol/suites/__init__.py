"""The suites and the choice among those that a device offers (protocol.md 2 and 5)."""

from collections.abc import Iterable
from typing import Final

from . import paper
from .hybrid import HybridSuite
from .loss import LossSuite
from .paper_suite import PaperSuite
from .suite import Confirmation, Suite

HYBRID: Final = HybridSuite()
LOSS: Final = LossSuite()
PAPER: Final = PaperSuite()
SUITES: Final[dict[int, Suite]] = {suite.id: suite for suite in (HYBRID, LOSS, PAPER)}

__all__ = ["HYBRID", "LOSS", "PAPER", "SUITES", "Confirmation", "Suite", "all_without_dh", "choose", "offers_dh", "paper"]


def choose(offered: Iterable[int], floor: int) -> Suite | None:
    """Return the first offered suite that is supported and not below `floor`; suite ids rise with strength, `paper` is never offered."""
    return next((SUITES[number] for number in offered if number in SUITES and number >= max(floor, LOSS.id)), None)


def offers_dh(offered: Iterable[int]) -> bool:
    """Tell whether any offered suite brings X25519 (then pk_I is not zero)."""
    return any(number in SUITES and SUITES[number].has_dh for number in offered)


def all_without_dh(offered: Iterable[int]) -> bool:
    """Tell whether every offered suite is known and has no X25519 (then pk_I is zero)."""
    return all(number in SUITES and not SUITES[number].has_dh for number in offered)

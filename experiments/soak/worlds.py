"""The worlds that a soak may run in: each with what drives it, and the report at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from .counts import Counts
from .driver import Driver
from .group.driver import GroupDriver, group_report
from .profile import Profile
from .relay import driver as relay, report as relay_report
from .report import report
from .reuse import Reuse


class Drive(Protocol):
    """One run; `run` raises ViolationError."""

    counts: Counts

    def run(self, steps: int) -> None:
        """Do so many steps more."""


@dataclass(frozen=True, slots=True)
class World:
    """One world: what it is, how a run in it begins, and its report (drive, encryptions, violation) → lines and whether all is well."""

    summary: str
    begin: Callable[[Profile, int, Reuse], Drive]
    report: Callable[[Any, Reuse, str | None], tuple[list[str], bool]]


WORLDS: Final[dict[str, World]] = {
    "direct": World("one hub, one device, no radio in between", Driver, report),
    "group": World("six devices in groups, of which some join and leave", GroupDriver, group_report),
    "relay": World("a far device behind two relays that misbehave, suite hybrid", relay.Driver, relay_report.report),
}

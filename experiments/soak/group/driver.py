"""Chooses what happens next in a house, by seed alone: to one of its devices, to a group, or just what is under way."""

import random
from typing import override

from ..chooser import Chooser
from ..counts import ViolationError
from ..driver import CALM_EVERY, CALM_STEPS, TEMPER_STEPS, Driver
from ..profile import Profile
from ..report import verdict
from ..reuse import Reuse
from .expected import ENOUGH_STEPS, FAULTS, RULES
from .faults import WEIGHTS, GroupFaults, table
from .house import House
from .member import Member
from .side import GroupSide


class MemberDriver(Driver):
    """Lets things go wrong with one device."""

    def __init__(self, member: Member, seed: str) -> None:
        self._member, self._house = member, member.house
        self._begin(member, seed)

    @override
    def goes_on(self) -> None:
        self._house.step()

    @override
    def acts(self) -> bool:
        before = self.counts.faults.total()
        acted = super().acts()
        self._member.disturbed |= self.counts.faults.total() > before
        return acted


class GroupDriver(Chooser):
    """Drives one house; `run` raises ViolationError."""

    def __init__(self, profile: Profile, seed: int | str, reuse: Reuse) -> None:
        self.house = House(profile.suite, seed, reuse)
        self.members = [MemberDriver(member, f"{seed} {number}") for number, member in enumerate(self.house.members)]
        self.faults = GroupFaults(self.house, random.Random(f"{seed} group faults"))
        super().__init__(self.house.counts, f"{seed} group driver", table(self.faults).values(), WEIGHTS.values())

    @override
    def _step(self) -> None:
        if self.counts.step % TEMPER_STEPS == 0:
            self._rng.choice(self.members).change_temper()
            self.change_temper()
        if self.counts.step % CALM_EVERY == 0:
            self.calm()
        elif self._rng.random() < self._temper:
            self._goes_wrong()
            self.house.settle()
        elif self._rng.random() < self._talk / len(self.members):
            self.faults.send()
            self.house.settle()
        elif not self._rng.choice(self.members).acts():
            self.house.step()

    # --- calm

    def calm(self) -> None:
        """Without any fault, everything that waits is delivered, and a message to each group reaches all of it."""
        self.counts.rule("calm")
        self.house.power.calm()
        for one in self.members:
            one.pacify()
        self._rest()
        for one in self.members:
            one.world.ledger.all_arrived()
            one.exchange()
        for one in self.members:
            one.prove_the_chains()
        for side in self.house.groups:
            self.faults.send(side)  # a version that was restored while nobody had anything to say shows now
        self._rest()
        for side in self.house.groups:
            self._reaches_all(side)

    def _rest(self) -> None:
        for _ in range(CALM_STEPS * len(self.members)):
            if self.at_rest:
                return
            self.house.step()
        raise ViolationError(f"stuck: {'; '.join(filter(None, map(self._why, self.house.groups)))}")

    @property
    def at_rest(self) -> bool:
        """Tell whether nobody has anything left to say."""
        return all(side.idle for side in self.house.groups) and all(
            one.at_rest and not one.world.hub.connection.wants_link for one in self.members
        )

    def _why(self, side: GroupSide) -> str:
        return f"group {side.gid} waits for {len(side.life.receipts)} receipts" if side.life.receipts else ""

    def _reaches_all(self, side: GroupSide) -> None:
        """One message is acted on by every member and by nobody else, and the hub knows."""
        body = self.faults.send(side)
        self._rest()
        outcome = self.house.ledger.outcome(body)
        everybody = {member.identity for member in side.members}
        if outcome.told != dict.fromkeys(everybody, True) or set(outcome.acted) != everybody:
            raise ViolationError(f"lost: at rest, and yet {outcome.place} has not reached all of {len(everybody)}")
        self.counts.rule("group: reached all")

    # --- the report

    @property
    def zeros(self) -> list[str]:
        """What a long run must have seen, and this one has not."""
        return [name for name in FAULTS if not self.counts.faults[name]] + [name for name in RULES if not self.counts.rules[name]]

    def note_counters(self) -> None:
        """Add what the devices have counted to the rules."""
        for one in self.members:
            one.world.node.note_counters()
        reasons = {reason for one in self.members for reason in one.world.node.dropped}
        for reason in reasons:
            self.counts.rules[f"device drops: {reason}"] = sum(one.world.node.dropped[reason] for one in self.members)


def group_report(driver: GroupDriver, reuse: Reuse, violation: str | None) -> tuple[list[str], bool]:
    """Return the lines to print, and whether all is well."""
    driver.note_counters()
    return verdict(driver.counts, reuse, violation, driver.zeros, ENOUGH_STEPS)

"""A hub with several devices in groups: one clock, one life of the hub, and everything that is between the devices."""

from collections import deque
from collections.abc import Callable, Iterable
import random
from typing import Final

from custom_components.self_secure.protocol.events import Event, GroupKeyed, GroupSettled, GroupSynced
from custom_components.self_secure.protocol.group import Place
from custom_components.self_secure.protocol.limits import GROUP_SILENCES_MAX, GROUP_SKIP_MAX

from ..counts import Counts, ViolationError
from ..power import Power, PowerCutError
from ..profile import Profile
from ..reuse import Reuse
from .ledger import GroupLedger, Sealed
from .member import Member
from .side import GroupSide

MEMBERS: Final = 6
GIDS: Final = (0x0007, 0xFFFF)
FRAMES: Final = 300  # that Eve remembers
SOON: Final = (0.0, 0.001, 0.1)  # s until an entry is loaded anew after a dialog


class House:
    """All devices of one hub; `step` does one thing."""

    def __init__(self, suite: str, seed: int | str, reuse: Reuse, members: int = MEMBERS) -> None:
        self.counts, self.reuse, self.now = Counts(), reuse, 0.0
        self.ledger, self.power = GroupLedger(self.counts), Power("group", self.counts)
        self.rng = random.Random(f"{seed} house")
        self.entropy: Callable[[int], bytes] = random.Random(f"{seed} group keys").randbytes
        self.frames: deque[bytes] = deque(maxlen=FRAMES)
        self.members: list[Member] = []
        self.groups: list[GroupSide] = []
        for number in range(members):
            identity = bytes([ord("A") + number]) * 16
            self.members.append(Member(self, Profile(suite, identity), f"{seed} {number}"))
        self.groups += [GroupSide(self, gid) for gid in GIDS]

    def named(self, identities: Iterable[bytes]) -> list[Member]:
        """Return the devices with these identities."""
        wanted = set(identities)
        return [member for member in self.members if member.identity in wanted]

    # --- time

    def step(self) -> None:
        """Deliver a fragment to somebody, or jump to the next thing that happens anywhere."""
        for member in self.members:
            member.pull()
        flying = [member for member in self.members if member.flying]
        if flying:
            self.rng.choice(flying).step()
        else:
            self._next()
        self.settle()

    def _next(self) -> None:
        due, happen, member = min(((*member.upcoming(), member) for member in self.members), key=lambda entry: entry[0])
        first, goes_on = min((side.upcoming() for side in self.groups), key=lambda entry: entry[0])
        if first <= due:
            self.now = max(self.now, first)
            self.guard(goes_on)
        else:
            member.happen(due, happen)

    def settle(self) -> None:
        """Finish what an action has left anywhere."""
        for member in self.members:
            member.settle()

    # --- the hub's life

    def hub_ended(self) -> None:
        """The hub has ended, with all its connections and groups; its disks stay."""
        for member in self.members:
            member.reload_hub()
        for side in self.groups:
            side.load()

    def guard(self, call: Callable[[], object]) -> None:
        """Let a group's coordinator do something; the hub ends if its power goes."""
        self.counts.now = self.now
        try:
            call()
        except PowerCutError:
            self.hub_ended()

    def gone(self, member: Member) -> None:
        """A device's entry was loaded anew: what waited for it is gone."""
        for side in self.groups:
            side.life.receipts -= {key for key in side.life.receipts if key[0] == member.identity}

    def removed(self, member: Member) -> None:
        """A device was deleted: it leaves every group."""
        for side in self.groups:
            if member in side.members:
                self.choose(side, [one for one in side.members if one is not member])

    def choose(self, side: GroupSide, members: list[Member]) -> None:
        """Change who is in a group: its entry is loaded anew, soon."""
        for member in set(side.members) - set(members):
            member.trouble("the device has left")
        side.members = members
        side.reload_at = self.now + self.rng.choice(SOON)

    def send(self, side: GroupSide, kind: int, body: bytes) -> None:
        """The user sends a message to a group."""
        self.guard(lambda: side.life.begin(side.life.send(kind, body)))

    # --- what connections say

    def told(self, member: Member, event: Event) -> None:
        """Take an event about a group."""
        self.counts.rule(f"hub: {type(event).__name__}")
        match event:
            case GroupSettled():
                self._settled(member, event)
            case GroupSynced():
                self._synced(member, self._side(event.gid), event)
            case GroupKeyed():
                member.asking -= {event.gid} if not member.disturbed else set()
                self.ledger.keyed(member.identity, member.pairing_number, event.gid, event.version)
                member.check_keys()

    def _settled(self, member: Member, event: GroupSettled) -> None:
        side, record = self._side(event.gid), self.ledger.at(Place(event.gid, event.version, event.n))
        member.waiting[side.gid] -= 1
        member.asking -= {event.gid} if event.delivered else set()
        self.ledger.told(member.identity, record, None if event.delivered else self._excuse(member, side, record))
        side.life.receipts.discard((member.identity, record.place))

    def _excuse(self, member: Member, side: GroupSide, record: Sealed) -> str:
        """Return why a member may miss a message; ViolationError if there is no reason."""
        reasons = {
            "the device was paired anew": not self.ledger.is_paired_for(member.identity, member.pairing_number, record.place),
            "the version was used before": record.again,
            "too many wait": member.waiting[side.gid] >= GROUP_SKIP_MAX,
            "its question for the key came late": side.gid in member.asking and member.disturbed,
            "no receipt came": member.sendings[record.frame] >= GROUP_SILENCES_MAX,
            **{why: step >= record.step for why, step in member.troubles.items()},
        }
        found = [why for why, holds in reasons.items() if holds]
        if not found:
            raise ViolationError(f"lost: {member.name} has missed {record.place} without a reason")
        return found[0]

    def _side(self, gid: int) -> GroupSide:
        found = [side for side in self.groups if side.gid == gid]
        if not found:
            raise ViolationError(f"forged: the hub knows no group {gid}")
        return found[0]

    def _synced(self, member: Member, side: GroupSide, event: GroupSynced) -> None:
        self.counts.rule(f"group: key {'refused' if event.refused else 'asked for'}")
        if member in side.members and side.loaded:
            member.later(lambda: side.life.answer(member, event))

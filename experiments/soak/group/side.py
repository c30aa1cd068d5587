"""The hub's side of one group, driven as the integration's coordinator does it, with a disk in memory."""

from collections import deque
from collections.abc import Callable, Iterator
import math
from typing import TYPE_CHECKING, Final

from custom_components.self_secure.protocol.errors import LocalError
from custom_components.self_secure.protocol.events import GroupSynced
from custom_components.self_secure.protocol.group import GroupMessage, Place
from custom_components.self_secure.protocol.group_sender import Group

if TYPE_CHECKING:
    from .house import House
    from .member import Member

WRITE: Final = 0.002  # s

type Job = Iterator[float]  # yields how long it waits for the disk


class NotWrittenError(Exception):
    """The version is not durable, or nobody is left to use it."""


class Life:
    """One life of the coordinator, from the loading of the group's entry to its unloading: one job after the other."""

    def __init__(self, side: GroupSide) -> None:
        self._side, self._house = side, side.house
        self.group = Group(side.gid, side.disk)
        self.receipts: set[tuple[bytes, Place]] = set()  # that members have not given yet
        self.due: float | None = None  # when the disk is ready
        self.stopped = False
        self._numbers: dict[bytes, int] = {}
        self._jobs: deque[Job] = deque()

    def begin(self, job: Job) -> None:
        """Do it behind all that was begun before."""
        self._jobs.append(job)
        if self.due is None:
            self.go_on()

    def go_on(self) -> None:
        """Do the next thing; the disk is ready, if anything waited for it."""
        self.due = None
        while self._jobs and self.due is None:
            try:
                self.due = self._house.now + next(self._jobs[0])
            except StopIteration:
                self._jobs.popleft()
            except (NotWrittenError, LocalError) as error:
                self._house.counts.rule(f"group: {type(error).__name__}")
                self._jobs.popleft()

    def stop(self) -> None:
        """The entry is being unloaded: what waits for the disk is the last that happens."""
        self.stopped = True
        self.receipts.clear()
        del list(self._jobs)[1:]

    # --- jobs

    def send(self, kind: int, body: bytes) -> Job:
        """Seal a message for the members."""
        yield from self._renew()
        message = self.group.seal(kind, body)
        self._house.ledger.sealed(body, message)
        for member in self._house.named(self.group.roster):
            if self._side.life is self:  # else the power is gone
                self._hand_over(member, message)

    def _hand_over(self, member: Member, message: GroupMessage) -> None:
        self.receipts.add((member.identity, message.place))
        member.waiting[self._side.gid] += 1
        member.tell("send_group", message, self._house.now)

    def answer(self, member: Member, event: GroupSynced) -> None:
        """Send the present key to a member that asks for it."""
        key = self.group.asked(event.version, self._roster(), refused=event.refused)
        if key is not None:
            member.tell("send_group_key", key, self._house.now)

    def _renew(self) -> Job:
        before = self.group.version
        for version in self.group.renewal(self._roster, self._house.entropy):
            yield self._side.write_seconds()
            self._side.write(version)
            if self.stopped:
                raise NotWrittenError
        if self.group.present is not None and self.group.version != before:
            self._house.counts.rule("group: version begun")
            self._house.ledger.begun(self.group.present, self.group.roster)

    def _roster(self) -> dict[bytes, int]:
        for member in self._side.members:
            self._numbers[member.identity] = member.pairing_number or self._numbers.get(member.identity, 0)
        return {member.identity: self._numbers[member.identity] for member in self._side.members}


class GroupSide:
    """One group: who is in it, the version on disk, and the coordinator's present life."""

    def __init__(self, house: House, gid: int) -> None:
        self.house, self.gid = house, gid
        self.members: list[Member] = []
        self.disk = 0  # the last version that may have been used
        self.slow_write = 0.0  # seconds that the next write takes
        self.reload_at: float | None = None
        self.life = Life(self)

    @property
    def loaded(self) -> bool:
        """Tell whether its entry is loaded."""
        return not self.life.stopped

    @property
    def idle(self) -> bool:
        """Tell whether it does nothing, and waits for nothing."""
        return self.loaded and self.reload_at is None and self.life.due is None and not self.life.receipts

    def upcoming(self) -> tuple[float, Callable[[], None]]:
        """Return what happens next, and when."""
        times = ((self.reload_at, self.reload), (self.life.due, self.write_done))
        return min(((math.inf if time is None else time, happen) for time, happen in times), key=lambda entry: entry[0])

    def reload(self) -> None:
        """Unload the entry, and load it as soon as nothing waits for the disk."""
        self.reload_at = None
        self.life.stop()
        if self.life.due is None:
            self.load()

    def load(self) -> None:
        """Begin a life from what is on disk; what waits for who is not a member any more is given up."""
        self.life, self.reload_at = Life(self), None
        for member in self.house.members:
            if member not in self.members:
                member.tell("leave_group", self.gid, self.house.now)

    def write_done(self) -> None:
        """The disk is ready."""
        self.life.go_on()
        if self.life.stopped and self.life.due is None:
            self.load()

    def write_seconds(self) -> float:
        """Return how long the next write takes."""
        seconds, self.slow_write = self.slow_write or WRITE, 0.0
        return seconds

    def write(self, version: int) -> None:
        """Make a version durable; NotWrittenError, PowerCutError."""
        self.house.power.point("before write")
        if self.house.power.write_fails():
            raise NotWrittenError
        self.disk = version
        self.house.power.point("after write")

"""The hub's side of one group: its version, its chain key, and for whom they are (protocol.md 9).

The version is made durable before it is used, by who drives this: `renewal`. The chain key is in memory only, so a restart
begins a new version; so does any change of who is in the group, and of a member's pairing.
"""

from collections.abc import Callable, Iterator, Mapping

from . import limits
from .errors import GroupUsedUpError, LocalError
from .group import GroupChainKey, GroupKey, GroupMessage, Place

type Roster = Mapping[bytes, int]  # identity of each member -> number of its pairing


class Group:
    """Seals messages for the members that the present version was begun with."""

    def __init__(self, gid: int, version: int = 0) -> None:
        """`version` is the last one on disk, 0 when there was none."""
        self.gid, self.version = gid, version
        self._known = version  # the latest version that any member has told of
        self._roster: dict[bytes, int] = {}
        self._present: GroupKey | None = None

    @property
    def present(self) -> GroupKey | None:
        """The key of the next message; None until a version is begun."""
        return self._present

    @property
    def roster(self) -> Roster:
        """For whom the present version is."""
        return self._roster

    def is_stale(self, roster: Roster) -> bool:
        """Tell whether a new version has to begin before anything is sent to `roster`."""
        return self._present is None or self._known > self.version or dict(roster) != self._roster

    def next_version(self) -> int:
        """Return the version to write, and then to `begin`; GroupUsedUpError if there is none."""
        version = max(self.version, self._known) + 1
        if version > limits.U32_MAX:
            raise GroupUsedUpError("no version is left")
        return version

    def renewal(self, roster: Callable[[], Roster], entropy: Callable[[int], bytes]) -> Iterator[int]:
        """Begin a new version if the present one is not for `roster()`: yield it, and go on when it is on disk.

        Who is in the group is asked again behind the write: nobody who has left meanwhile is among them. GroupUsedUpError.
        """
        while self.is_stale(roster()):
            version = self.next_version()
            yield version
            self.begin(version, roster(), entropy(limits.DIGEST_SIZE))

    def begin(self, version: int, roster: Roster, secret: bytes) -> None:
        """Use `version`, which is on disk, with GCK_0 = `secret`; LocalError unless it is a later one."""
        if version <= self.version:
            raise LocalError("versions rise")
        self.version, self._known = version, max(version, self._known)
        self._roster = dict(roster)
        self._present = GroupKey(Place(self.gid, version, 0), GroupChainKey(secret))

    def seal(self, kind: int, body: bytes) -> GroupMessage:
        """Seal one message and step; LocalError without a version, and of the fitting kind if the message cannot be accepted."""
        if self._present is None:
            raise LocalError("no version has begun")
        message = self._present.seal(kind, body)
        last = self._present.place.n == limits.U32_MAX
        self._present = None if last else self._present.step()
        return message

    def asked(self, version: int, roster: Roster, *, refused: bool) -> GroupKey | None:
        """A member that knows `version` asks for the key, or has `refused` ours: return what to answer, None for nothing.

        If it knows a version that is not ours (an older backup of ours was restored), the next message goes beyond that.
        Nothing is answered then, and nothing written: no member alone can keep the hub busy, or use the versions up.
        """
        if version > self.version or (refused and version == self.version):
            self._known = max(self._known, min(version, self.version + limits.GROUP_LEAP_MAX))
            self._present = None
        return None if self.is_stale(roster) else self._present

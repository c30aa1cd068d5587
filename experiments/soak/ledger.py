"""Every message of a soak: what was promised, acted on, confirmed; and the few things that the specification excuses."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from custom_components.self_secure.protocol.events import MessageType

from .counts import Counts, ViolationError


@dataclass(slots=True)
class Record:
    """One message of either side, named by its unique body."""

    way: str  # "hub" or "device": who sent it
    kind: int
    acted: Counter[str] = field(default_factory=Counter)  # by whom
    again: int = 0  # how often it may be repeated
    excused: bool = False  # its act may be missing although it is confirmed


class Ledger:
    """Judges each act and each confirmation at once; ViolationError on the first that is wrong."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._records: dict[bytes, Record] = {}
        self._open: dict[bytes, Record] = {}  # accepted by the sender's queue, not acted on yet
        self._orphans: set[bytes] = set()  # sent by the hub under a pairing that has been replaced: only memory knows them
        self.cloned = False  # a copy of the device has been here: it may have taken what was meant for the device

    def sent(self, way: str, kind: int, body: bytes) -> None:
        """Take a new message of the hub or of a device."""
        self._records[body] = Record(way, kind)

    def promised(self, body: bytes) -> None:
        """The sender's queue has accepted it: it must arrive, unless somebody says otherwise."""
        self._open[body] = self._records[body]

    def forgotten(self, way: str, but: Collection[bytes] = ()) -> None:
        """The sender's queue is gone, `but` for what it has kept: a power cut of the device, a deleted or restored storage."""
        self._open = {body: record for body, record in self._open.items() if record.way != way or body in but}

    def replaced(self, queue: Collection[bytes]) -> None:
        """The hub has a new pairing and `queue` on disk: what it has sent under the old one will be acknowledged or abandoned."""
        self._orphans |= {body for body, record in self._open.items() if record.way == "hub" and body not in queue}

    def hub_ended(self) -> None:
        """Nobody is left to hear of the orphans."""
        for body in self._orphans & set(self._open):
            self._counts.rule("apart: sent under a replaced pairing when the hub ended")
            self.given_up(body)
        self._orphans.clear()

    def given_up(self, body: bytes) -> None:
        """The sender has said that it will not send this one again."""
        self._open.pop(body, None)

    def all_arrived(self) -> None:
        """Both queues are empty: nothing may be missing. Readings may have been replaced by newer ones."""
        missing = [body for body, record in self._open.items() if record.kind != MessageType.READINGS and not record.excused]
        self._open.clear()
        if missing and not self.cloned:
            raise ViolationError(f"lost: {len(missing)} accepted messages have never arrived, such as {missing[0][:12]!r}")

    def acted(self, receiver: str, body: bytes) -> None:
        """The receiver acts on a message: it must be genuine, and new."""
        record = self._records.get(body)
        if record is None or (record.way == "hub") == (receiver == "hub"):
            raise ViolationError(f"forged: {receiver} acts on what nobody sent")
        record.acted[receiver] += 1
        self._open.pop(body, None)
        if record.acted[receiver] > 1:
            self._repeated(receiver, record, body)

    def _repeated(self, receiver: str, record: Record, body: bytes) -> None:
        if not record.again:
            raise ViolationError(f"repeated: {receiver} acts again on {body[:12]!r}")
        record.again -= 1
        self._counts.rule("apart: again after a crash or a restored storage")

    def confirmed(self, body: bytes) -> None:
        """The sender has an acknowledgement: the receiver must have acted."""
        record = self._records.get(body)
        if record is None:
            raise ViolationError("forged: what nobody sent is acknowledged")
        if not record.acted and not record.excused:
            self._missing(record, body)

    def _missing(self, record: Record, body: bytes) -> None:
        if not self.cloned:
            raise ViolationError(f"lost: {record.way}'s {body[:12]!r} is acknowledged, nobody acted on it")
        self._counts.rule("apart: lost to a clone")

    # --- what the specification excuses

    def crashed_before_acting(self, body: bytes) -> None:
        """The receiver ended between its mark's write and the act: at most once."""
        record = self._records.get(body)
        if record is not None and not record.acted and not record.excused:
            record.excused = True
            self._counts.rule("apart: at most once, its receiver ended before it acted")

    def may_repeat(self, body: bytes, *, readings_only: bool) -> None:
        """The receiver's mark is gone: readings after a crash, anything after a restored storage."""
        record = self._records.get(body)
        if record is not None and record.acted and (not readings_only or record.kind == MessageType.READINGS):
            record.again += 1

    def goes_out_twice(self, body: bytes) -> None:
        """A thief has a copy of this message in his queue, or it is a reading under a new pairing: it may arrive twice."""
        if body in self._records:
            self._records[body].again += 1

    def of(self, way: str) -> int:
        """How many messages one side has sent."""
        return sum(record.way == way for record in self._records.values())

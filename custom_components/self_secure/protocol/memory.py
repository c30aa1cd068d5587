"""What the hub holds of one device: its state on disk, its sessions in memory, and the write that keeps them in step."""

from collections.abc import Collection, Iterator

from . import snapshot
from .events import MessageAbandoned, Persist
from .keys import EpochRoot
from .outbox import Outbox
from .session import INTERNAL, Outgoing, Session
from .snapshot import DeviceState, Pairing
from .suites import SUITES, Suite


class Memory:
    """Shared by the messages and the change of epochs."""

    def __init__(self, state: DeviceState, omega: int, outbox: Outbox) -> None:
        """Start from what is on disk: there is no chain; `omega` = retransmissions of a message, Ω."""
        self.state = state
        self.omega, self._outbox = omega, outbox
        self._sessions: dict[int, Session] = {}  # by the pairing's number
        self._active = state.pairings[0].number if state.pairings else 0
        self._unsaved = False

    @property
    def session(self) -> Session | None:
        """The chains that messages go out on; None when the next contact has to resume."""
        return self._sessions.get(self._active)

    @property
    def _suite(self) -> Suite:
        return SUITES[self.state.pairing(self._active).record.suite]

    @property
    def stores_rounds(self) -> bool:
        """Tell whether the active pairing is one of suite paper."""
        return self._suite.has_rounds

    @property
    def body_max(self) -> int:
        """Bytes that a message may have."""
        return self._suite.body_max

    @property
    def committed(self) -> bool:
        """Tell whether the device has used the active key."""
        return self.state.pairing(self._active).committed

    def session_of(self, number: int) -> Session | None:
        """Return the chains of a pairing, if there are any."""
        return self._sessions.get(number)

    def newest_first(self) -> Iterator[tuple[Pairing, Session]]:
        """Yield all chains: receivers try the newest pairing first (protocol.md 5 rule 7)."""
        for number in sorted(self._sessions, reverse=True):
            yield self.state.pairing(number), self._sessions[number]

    def start(self, pairing: Pairing, root: EpochRoot, epoch: int, now: float) -> Session:
        """Begin new chains of `pairing` in place of its old ones; messages go out on them from now on."""
        old = self._sessions.get(pairing.number)
        session = Session(SUITES[pairing.record.suite], root, epoch, self.omega, now)
        if old is not None:
            session.sending.round_trip = old.sending.round_trip
            self._release(old.sending.message)
        self._sessions[pairing.number], self._active = session, pairing.number
        return session

    def _release(self, message: Outgoing | None) -> None:
        """Its chain ends: unless it is queued, it does not go out again."""
        if all(other is not message for other in self.state.queue):
            self.abandon(message)

    def abandon(self, message: Outgoing | None) -> None:
        """Tell that nobody knows what became of a message, or that it was never sent."""
        if message is not None and message.handle != INTERNAL:
            self._outbox.put(MessageAbandoned(message.handle))

    def withdraw(self, types: Collection[int]) -> None:
        """Take volatile messages of some types that were never sent out of the queue."""
        gone = [message for message in self.state.queue if message.id is None and message.type in types]
        self.state.queue = [message for message in self.state.queue if message.id is not None or message.type not in types]
        for message in gone:
            self.abandon(message)

    def commit(self, pairing: Pairing) -> None:
        """The device has used this key: all older ones go (protocol.md 5 rule 7). Not yet on disk."""
        for number in [number for number in self._sessions if number < pairing.number]:
            self._release(self._sessions.pop(number).sending.message)
        self.state.drop_older(pairing.number)
        pairing.committed = True

    def keep_round(self, pairing: Pairing, session: Session, direction: int) -> None:
        """Suite paper: store the key of a direction after W messages of it. Not yet on disk."""
        ended = session.completed_round(direction)
        if ended is not None:
            pairing.keep_round(direction, *ended)
            self.changed()

    # --- the disk

    def changed(self, message: Outgoing | None = None) -> None:
        """Something has changed that the next write takes along; of a volatile message nothing is on disk."""
        self._unsaved |= message is None or not message.volatile

    def save(self) -> None:
        """Put the present state in front of all that follows."""
        self._unsaved = False
        self._outbox.put(Persist(snapshot.encode(self.state)))

    def save_if_changed(self) -> None:
        """As `save`, if anything has changed since."""
        if self._unsaved:
            self.save()

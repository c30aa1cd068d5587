"""What can be seen of a connection from outside; looking changes nothing."""

from dataclasses import dataclass, replace

from .events import PairingRecord
from .limits import BODY_MAX
from .messaging import Messaging
from .statistics import Statistics
from .tables import NegotiationState
from .window import PairingWindow
from .wire import Wire


def earliest(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two times, either of which there may not be."""
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


@dataclass(frozen=True, slots=True)
class PairingSummary:
    """What may be told of one stored pairing: no key, no name of a key."""

    number: int
    committed: bool
    record: PairingRecord
    epochs: tuple[int, ...]  # whose keys are stored; in suite paper j of the W-round keys


class ConnectionView:
    """The read-only half of a `Connection`."""

    def __init__(self, wire: Wire, window: PairingWindow) -> None:
        """Look at a device that is not paired yet."""
        self._wire, self._window = wire, window
        self._messaging: Messaging | None = None
        self._stopped = False
        self._dropped = 0

    @property
    def next_deadline(self) -> float | None:
        """When `timer` wants to be called."""
        if self._stopped:
            return None
        window = self._window.deadline
        return window if self._messaging is None else earliest(window, self._messaging.deadline)

    @property
    def wants_link(self) -> bool:
        """Tell whether something is to be done that needs a link."""
        if self._stopped:
            return False
        if self._window.exclusive:
            return self._window.wants_link
        return self._window.wants_link or (self._messaging is not None and self._messaging.wants_link)

    @property
    def answered(self) -> bool:
        """Tell whether the device has proved on this link that it has the chains."""
        return self._messaging is not None and self._messaging.proved

    @property
    def collecting(self) -> bool:
        """Tell whether random packets are wanted."""
        return self._window.state is NegotiationState.COLLECTING

    @property
    def pairing(self) -> bool:
        """Tell whether a negotiation is running."""
        return self._window.state is not None

    @property
    def may_be_relayed(self) -> bool:
        """Tell whether its frames may go through a relay: none of suite paper, nor of a pairing that was not opened for that."""
        paper = self._messaging is not None and self._messaging.memory.stores_rounds
        return not paper and (not self.pairing or self._window.relayed)

    @property
    def waits_for_direct_link(self) -> bool:
        """Tell whether a relay could do nothing for the device: what waits is too long for it, and all else stands behind that."""
        return not self.pairing and self._messaging is not None and self._messaging.waits_for_direct_link

    @property
    def paired(self) -> bool:
        """Tell whether there is a key."""
        return self._messaging is not None

    @property
    def identity(self) -> bytes | None:
        """Identity of the device, when it is known."""
        return self._messaging.memory.state.identity if self._messaging else self._window.identity

    @property
    def epoch(self) -> int | None:
        """Epoch of the present chains; None when the next contact has to resume."""
        session = self._messaging.memory.session if self._messaging else None
        return session.epoch if session else None

    @property
    def record(self) -> PairingRecord | None:
        """How the newest key came about."""
        return self._messaging.memory.state.pairings[0].record if self._messaging else None

    @property
    def pairings(self) -> tuple[PairingSummary, ...]:
        """Return every stored pairing, newest first, without its keys."""
        stored = self._messaging.memory.state.pairings if self._messaging else []
        return tuple(
            PairingSummary(one.number, one.committed, one.record, tuple(sorted({*one.keys, *(j for _, j in one.rounds)}))) for one in stored
        )

    @property
    def body_max(self) -> int:
        """Most bytes of one message; BODY_MAX without a key."""
        return self._messaging.memory.body_max if self._messaging else BODY_MAX

    @property
    def queued(self) -> int:
        """Number of messages that wait; a greeting is none, it may stay unanswered until there is something to say."""
        return sum(not message.is_greeting for message in self._messaging.memory.state.queue) if self._messaging else 0

    def group_version(self, gid: int) -> int | None:
        """Return the version of a group whose key the device is known to hold."""
        return self._messaging.groups.version_held(gid) if self._messaging else None

    @property
    def statistics(self) -> Statistics:
        """Return a copy of the counters."""
        dropped = self._dropped + self._wire.discarded
        if self._messaging is None:
            return Statistics(dropped=dropped)
        epochs = self._messaging.epochs
        return replace(self._messaging.statistics, dropped=dropped, resumes=epochs.completed, resume_failures=epochs.failed)

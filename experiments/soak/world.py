"""The engine: one hub, one device (or a copy of it), a link, a clock that jumps to the next thing that happens.

Every action may end in ViolationError; apart from that nothing that a fault does may raise.
"""

from collections.abc import Callable
import random
from typing import Any, Final, override

from .air import TO_DEVICE, TO_HUB
from .broadcast import Broadcast
from .counts import Counts, ViolationError
from .power import PowerCutError
from .profile import Profile
from .reuse import Reuse
from .sides import Sides
from .user import User

EXCHANGE: Final = 0.004  # s per fragment
CONNECT: Final = 0.05  # s
IDLE: Final = 3.0  # s without traffic before the hub hangs up; never in a negotiation
PATIENCE: Final = 30.0  # s when it still wants something, as the integration's client
BEACON_SOON: Final = 0.5  # s after a contact
BEACON_LATE: Final = 60.0  # s between two beacons whose state is the same
REST: Final = 1.0  # s between two contacts
PAYLOADS: Final = (244, 244, 244, 60, 20)  # MTU - 3; small ones need many fragments
SPINS_MAX: Final = 200  # things that may happen at one time
AT_ONCE: Final = 1e-9


class World(Sides):
    """`step` does one thing; faults call the other public methods."""

    def __init__(self, profile: Profile, seed: int | str, counts: Counts, reuse: Reuse) -> None:
        self._linked_payload: int | None = None
        self._quiet_since = self._beacon_at = self._rest_until = 0.0
        self._connect_at: float | None = None
        self._spins, self._spun_at = 0, 0.0
        self._chores: list[Callable[[], object]] = []
        self.rng = random.Random(f"{seed} world")
        self.user = User(self, random.Random(f"{seed} user"))
        self.broadcast = Broadcast(self, random.Random(f"{seed} broadcast"))
        super().__init__(profile, random.Random(f"{seed} keys"), counts, reuse)

    # --- time

    def later(self, chore: Callable[[], object]) -> None:
        """Do something when the present input is over."""
        self._chores.append(chore)

    def step(self) -> None:
        """Deliver a fragment, or jump to the next thing that happens."""
        self.pull()
        if self.flying:
            self._deliver()
        else:
            self.happen(*self.upcoming())
        self.settle()

    def settle(self) -> None:
        """Finish what an action has left: chores, a hub that has ended, notifications, a link that nobody needs."""
        while self._chores:
            self._chores.pop(0)()
        if self.hub.ended:
            self.reload_hub()
        self.pull()
        if self.hang_up:  # what was written before still arrives
            while self.air.ways[TO_DEVICE]:
                self.take(TO_DEVICE)
            self.disconnect()

    @property
    def flying(self) -> bool:
        """Tell whether a fragment is on its way."""
        return self.linked and self.air.flying

    def upcoming(self) -> tuple[float, Callable[[], None]]:
        """Return what happens next, and when."""
        return min(self._agenda(), key=lambda entry: entry[0])

    def happen(self, due: float, happen: Callable[[], None]) -> None:
        """Let it happen."""
        self.now = max(self.now, due)
        if self.now > self._spun_at + AT_ONCE:
            self._spins, self._spun_at = 0, self.now
        self._spins += 1
        if self._spins > SPINS_MAX:
            raise ViolationError(f"stuck: {happen.__name__} is due again and again at {self.now}")
        happen()

    def _agenda(self) -> list[tuple[float, Callable[[], None]]]:
        hub, core = self.hub.connection, self.front.core
        self._plan_contact()
        self.user.tend()
        times: list[tuple[float | None, Callable[[], None]]] = [
            (hub.next_deadline, self._hub_timer),
            (self._device_deadline(core), self._device_timer),
            (self._connect_at, self.connect),
            (self.broadcast.due(core), self.broadcast.air),
            (self._beacon_at, self._beacon),
            (self._quiet_until() if self.linked and not hub.pairing else None, self.disconnect),
            (self.user.due, self.user.act),
        ]
        return [(time, happen) for time, happen in times if time is not None]

    def _quiet_until(self) -> float:
        return self._quiet_since + (PATIENCE if self.hub.connection.wants_link else IDLE)

    def _plan_contact(self) -> None:
        wanted = not self.linked and self.hub.connection.wants_link
        if not wanted:
            self._connect_at = None
        elif self._connect_at is None:
            self._connect_at = max(self.now, self._rest_until) + CONNECT

    def _device_deadline(self, core: Any) -> float | None:
        deadline = core.deadline
        return None if deadline is None else deadline / 1000

    def _hub_timer(self) -> None:
        self.tell("timer", self.now)

    def _device_timer(self) -> None:
        self.guard(lambda: self.front.core.poll(self.ms + 1))  # rounding must not make it early for ever

    def _beacon(self) -> None:
        self._beacon_at = self.now + BEACON_LATE
        if not self.linked and not self.front.core.broadcasting:
            self.tell("beacon_seen", self.front.core.state, self.now)

    # --- the link

    @property
    @override
    def linked(self) -> bool:
        """Tell whether there is a link."""
        return self._linked_payload is not None

    @property
    def payload(self) -> int:
        """MTU - 3 of the link."""
        return self._linked_payload or PAYLOADS[0]

    def connect(self) -> None:
        """The hub connects and subscribes."""
        self._connect_at = None
        payload = self.rng.choice(PAYLOADS)
        self._linked_payload, self.hang_up, self._quiet_since = payload, False, self.now
        self.counts.note(f"link of {payload} bytes")
        self.front.core.connected(payload + 3)
        self.guard(lambda: self.front.core.subscribed(self.ms))
        if self.linked:
            self.tell("link_opened", payload, self.now)

    @override
    def disconnect(self) -> None:
        """The link drops, at both ends, and with it what is in flight."""
        self.hang_up = False
        if not self.linked:
            return
        self.unlink()
        self.tell("link_closed", self.now)

    @override
    def unlink(self) -> None:
        """The link is gone; the hub does not know yet."""
        self._linked_payload = None
        self.counts.note("link down")
        self.air.clear()
        self.front.core.disconnected()
        self._rest_until, self._beacon_at = self.now + REST, self.now + BEACON_SOON

    def absent(self, seconds: float) -> None:
        """The device is out of reach for a while."""
        self.disconnect()
        self._rest_until, self._connect_at = self.now + seconds, None

    def pull(self) -> None:
        """Take the notifications of the device onto the link."""
        while self.linked:
            fragment = None
            try:
                fragment = self.front.next_fragment()
                if fragment is None:
                    return
                self.air.send(TO_HUB, fragment)
                self.front.sent()
            except PowerCutError:
                self.restart_device()

    def _deliver(self) -> None:
        ways = [way for way in (TO_HUB, TO_DEVICE) if self.air.ways[way]]
        self.take(self.rng.choice(ways) if len(ways) > 1 else ways[0])

    def take(self, way: str) -> None:
        """Let the head of one way arrive."""
        self.give(way, self.air.ways[way].popleft())

    def give(self, way: str, fragment: bytes) -> None:
        """Let a fragment arrive, whoever has made it."""
        self.now += EXCHANGE
        self._quiet_since = self.now
        if way == TO_HUB:
            self.tell("receive", fragment, self.now)
        else:
            self.head = self.oldest()
            self.guard(lambda: self.front.core.received(fragment, self.ms))

    def _head(self) -> Any:
        peer = self.front.core.peer
        return peer.queue[0] if peer is not None and peer.queue else None

    @override
    def show_beacon(self) -> None:
        """Somebody advertises anew, so the next beacon is heard soon."""
        self._beacon_at = self.now + BEACON_SOON

"""The device of a soak: the real core, a flash in memory, and a power that can be cut."""

from collections import Counter
from collections.abc import Callable
import copy
from typing import Any

from self_secure_device import profiles
from self_secure_device.device import Device
from self_secure_device.request import Parameters
from self_secure_device.suites import SUITES

from .power import Power
from .profile import INTERVAL, Profile

_ACTS = frozenset({"text", "bytes"})  # events that are the act of a message


class DeviceSide:
    """The port of one core, which `start` makes; `listen` hears its events, `written` its flash."""

    def __init__(
        self,
        profile: Profile,
        urandom: Callable[[int], bytes],
        power: Power,
        listen: Callable[[str, Any], None],
        written: Callable[[bytes], None],
    ) -> None:
        self.urandom = urandom
        self._profile = profile
        self._power = power
        self._listen, self._written = listen, written
        self._parameters = Parameters((profile.suite_id,), n_max=profile.n_max, interval=INTERVAL)
        self.flash: bytes | None = None
        self.code: str | None = None  # as its display shows it
        self.core: Any = None
        self.dropped: Counter[str] = Counter()  # frames of former lives, by reason

    def _build(self) -> Any:
        info = profiles.info("Node", profiles.Thermometer(lambda: (21.5, 40.0, 90)))
        return Device(self, self._profile.identity, self.flash, self._parameters, "Node", info)

    def start(self) -> None:
        """Lose the memory, begin a life from what is in the flash."""
        self.note_counters()
        self.code = None
        self.core = self._build()

    def note_counters(self) -> None:
        """Keep what this life has counted."""
        for reason, number in (self.core.counters if self.core is not None else {}).items():
            self.dropped[reason] += number

    def remember(self, other: DeviceSide) -> None:
        """Take over a copy of the whole memory of another device (a thief's copy)."""
        memo: dict[int, Any] = {id(other): self, id(other._parameters): self._parameters}
        memo |= {id(suite): suite for suite in SUITES.values()}  # functions, not state
        self.flash, self.core = other.flash, copy.deepcopy(other.core, memo)
        self.core.disconnected()

    # --- the core's port

    def save(self, data: bytes) -> None:
        """Write the flash."""
        self._power.point("before write")
        if self._power.write_fails():
            raise OSError("flash worn out")
        self.flash = data
        self._written(data)
        self._power.point("after write")

    def event(self, kind: str, value: object) -> None:
        """Hear the core."""
        if kind in _ACTS:
            self._power.point("before act")
        if kind == "code":
            self.code = str(value)
        self._listen(kind, value)

    # --- the radio

    def next_fragment(self) -> bytes | None:
        """Return the next notification; PowerCutError before it left, or behind it."""
        fragment: bytes | None = self.core.next_fragment()
        if fragment is not None:
            self._power.point("before send")
        return fragment

    def sent(self) -> None:
        """Pass the point behind a send."""
        self._power.point("after send")

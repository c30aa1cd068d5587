"""What the comparison is held against: the time of one of our cases over an anchor's."""

from dataclasses import dataclass
from typing import Any, Final

from .harness import Case, ratio


@dataclass(frozen=True, slots=True)
class Goal:
    """Ours may take `most` times as long as the anchor; None: shown, not judged."""

    ours: str
    anchor: str
    most: float | None = None

    def judge(self, cases: dict[str, Case]) -> dict[str, Any]:
        """Return a row: both names, the ratio of times (None if one was not measured), the bound, met or not."""
        ours, anchor = cases.get(self.ours), cases.get(self.anchor)
        found = ratio(ours, anchor) if ours and anchor and not ours.error and not anchor.error else None
        met = None if found is None or self.most is None else found <= self.most
        return {"ours": self.ours, "anchor": self.anchor, "ratio": found, "most": self.most, "met": met}


_UP: Final = "ours/round trip, device to hub"
_HUBS: Final = "ours/round trip, hub to hub"
_SYMMETRIC: Final = "doubleratchet/enc+dec, symmetric chain"
_NOISE: Final = "noise/XX handshake, one side"

GOALS: Final = (
    Goal(f"{_HUBS}@16", "floor/round trip@16", 1.5),
    Goal(f"{_HUBS}@64", "floor/round trip@64", 1.5),
    Goal(f"{_HUBS}@512", "floor/round trip@512", 1.5),
    Goal(f"{_UP}@64", "floor/round trip@64", 1.5),
    Goal("ours/whole, device to hub@64", "floor/round trip@64"),
    Goal(f"{_UP}@16", f"{_SYMMETRIC}@16", 0.5),
    Goal(f"{_UP}@64", f"{_SYMMETRIC}@64", 0.5),
    Goal("ours/whole, device to hub@64", f"{_SYMMETRIC}@64"),
    Goal(f"{_UP}@64", "olm/vodozemac enc+dec, chain@64"),
    Goal("ours/hub half: receive@16", "bthome/update, encrypted@16", 1.0),
    Goal("ours/hub half: receive@64", "bthome/update, encrypted@64", 1.0),
    Goal("ours/hub half: receive and decode@16", "bthome/update, encrypted@16"),
    Goal("ours/hub half: receive@16", "xiaomi/update, v5@16"),
    Goal("ours/hub half: receive@64", "floor/one half@64"),
    Goal("ours/device half: send (CPython)@64", "floor/one half@64"),
    Goal("ours/negotiation hybrid, hub", _NOISE, 1.0),
    Goal("ours/negotiation hybrid, device (CPython)", _NOISE, 1.0),
    Goal("ours/agreement hybrid, hub", _NOISE),
    Goal("ours/agreement hybrid, device (CPython)", _NOISE),
    Goal("floor/negotiation hybrid, hub", _NOISE),
    Goal("floor/negotiation hybrid, device", _NOISE),
    Goal("ours/negotiation hybrid, hub", "floor/negotiation hybrid, hub"),
    Goal("ours/negotiation hybrid, device (CPython)", "floor/negotiation hybrid, device"),
    Goal("ours/negotiation hybrid, hub", "agreement/P-256, as LE Secure Connections"),
    Goal("ours/negotiation hybrid, hub", "agreement/X25519 and HMAC"),
    Goal("ours/negotiation hybrid, hub", "agreement/SPAKE2, one side"),
    Goal("ours/resume, hub", "homekit/pair-verify, controller"),
    Goal("ours/broadcast packet, to the set", "habluetooth/dispatch, no listener", 2.0),
    Goal("ours/broadcast packet, to the set", "home assistant/dispatch, empty listener", 2.0),
    Goal("ours/broadcast packet, our part", "home assistant/dispatch, empty listener"),
    Goal("ours/beacon of a paired device", "home assistant/dispatch, same packet, empty listener"),
    Goal("ours/durable write, read back", "home assistant/atomic write"),
)

"""The unwilling responder: who asks for a key too often is not even heard any more (protocol.md 5 rule 6)."""

from collections import deque
from dataclasses import dataclass, field
import math

from . import limits


@dataclass(slots=True)
class _Asker:
    asked: deque[float] = field(default_factory=lambda: deque(maxlen=limits.REQUESTS_MAX))
    ignored_until: float = -math.inf
    period: float = limits.REFUSAL_FIRST  # T_d, of the next time


class Refusals:
    """Counts requests per asker; not asked while the user has a pairing window open."""

    def __init__(self) -> None:
        """Remember nobody."""
        self._askers: dict[str, _Asker] = {}

    def admits(self, asker: str, now: float) -> bool:
        """Count one REQ; False while `asker` is ignored, T_d after five REQ in 60 s, doubling to 1 h."""
        entry = self._remember(asker, now)
        if now < entry.ignored_until:
            return False
        entry.asked.append(now)
        if len(entry.asked) == limits.REQUESTS_MAX and now - entry.asked[0] <= limits.REQUESTS_SECONDS:
            entry.asked.clear()
            entry.ignored_until = now + entry.period
            entry.period = min(limits.REFUSAL_MAX, 2 * entry.period)
        return True

    def _remember(self, asker: str, now: float) -> _Asker:
        """Return the entry of `asker`, the newest from now on; who was quiet for the longest T_d begins anew."""
        entry = self._askers.pop(asker, None) or _Asker()
        if now - entry.ignored_until > limits.REFUSAL_MAX:
            entry.period = limits.REFUSAL_FIRST
        self._askers[asker] = entry
        if len(self._askers) > limits.ADDRESSES_REMEMBERED:
            del self._askers[next(iter(self._askers))]
        return entry

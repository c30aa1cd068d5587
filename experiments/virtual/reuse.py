"""Watches every encryption of both sides: no key may ever encrypt two different texts.

The suites, and the seal of group messages, are wrapped, not replaced: what they compute is theirs. A key is named by a hash of all that it is derived from.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import hashlib
from typing import Any

from custom_components.self_secure.protocol import suites as hub_suites
from custom_components.self_secure.protocol.group import GroupKey, GroupMessage
from self_secure_device.suites import SUITES as DEVICE_SUITES

type Sighting = tuple[bytes, bytes]  # of the key, of the text


def sight(kind: bytes, chain: bytes, context: bytes, attempt: int, text: bytes) -> Sighting:
    """Return what names the key, and the text."""
    return hashlib.sha256(kind + chain + context + bytes([attempt])).digest(), hashlib.sha256(text).digest()


@dataclass(slots=True)
class Recorder:
    """Collects sightings; `reused` are those whose key had already encrypted another text."""

    seen: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    reused: list[Sighting] = field(default_factory=list, repr=False)
    count: int = 0

    def __call__(self, sighting: Sighting) -> None:
        """Take one encryption."""
        self.count += 1
        key, text = sighting
        if self.seen.setdefault(key, text) != text:
            self.reused.append(sighting)


class _Watched:
    """Forwards everything, and tells the two places that encrypt."""

    def __init__(self, suite: Any, tell: Callable[[Sighting], None]) -> None:
        self._suite, self._tell = suite, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._suite, name)


class _WatchedHub(_Watched):
    def seal(self, chain: Any, context: bytes, attempt: int, entropy: bytes, text: bytes) -> Any:
        self._tell(sight(b"DATA", chain.raw, context, attempt, entropy + text))
        return self._suite.seal(chain, context, attempt, entropy, text)

    def acknowledge(self, chain: Any, context: bytes, opened: Any, entropy: bytes) -> tuple[bytes, bytes]:
        self._tell(sight(b"DACK", chain.raw, context, opened.attempt, entropy))
        dack, rand_b = self._suite.acknowledge(chain, context, opened, entropy)
        return dack, rand_b


class _WatchedDevice(_Watched):
    def seal(self, chain: bytes, ctx: bytes, attempt: int, header: bytes, text: bytes) -> tuple[bytes, bytes]:
        self._tell(sight(b"DATA", chain, ctx, attempt, text))
        sealed: tuple[bytes, bytes] = self._suite.seal(chain, ctx, attempt, header, text)
        return sealed

    def mask(self, chain: bytes, ctx: bytes, attempt: int, rand: bytes) -> bytes:
        masked = bytes(self._suite.mask(chain, ctx, attempt, rand))
        plain, other = sorted((rand, masked))  # the pad both masks and unmasks: the pair is one use of it
        self._tell(sight(b"MASK", chain, ctx, attempt, plain + other))
        return masked


@contextmanager
def watched(tell_hub: Callable[[Sighting], None], tell_device: Callable[[Sighting], None]) -> Iterator[None]:
    """Watch both sides while this lasts."""
    hub, device = dict(hub_suites.SUITES), dict(DEVICE_SUITES)
    hub_suites.SUITES.update({number: _WatchedHub(suite, tell_hub) for number, suite in hub.items()})
    watched_device: dict[int, Any] = {number: _WatchedDevice(suite, tell_device) for number, suite in device.items()}
    DEVICE_SUITES.update(watched_device)
    own = GroupKey.seal

    def seal(self: GroupKey, kind: int, body: bytes) -> GroupMessage:
        tell_hub(sight(b"GROUP", self.key.raw, bytes(self.place), 0, bytes([kind]) + body))
        return own(self, kind, body)

    GroupKey.seal = seal  # type: ignore[method-assign]  # every caller's encryptions are watched
    try:
        yield
    finally:
        GroupKey.seal = own  # type: ignore[method-assign]  # as above
        hub_suites.SUITES.update(hub)
        DEVICE_SUITES.update(device)

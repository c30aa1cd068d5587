"""Every encryption of both sides, kept small: no key may ever encrypt two different texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from experiments.virtual.reuse import Sighting, sight, watched
from self_secure_device.paper.chains import PaperSender

from .counts import ViolationError

KEPT_BYTES = 8  # of each hash: among some million keys two meet by chance once in a million runs


class Reuse:
    """Collects sightings; ViolationError when a key that has encrypted a text encrypts another one."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self.thief = False  # a copy of the device is speaking: what it does with stolen keys is not counted
        self.count = 0

    def hub(self, sighting: Sighting) -> None:
        """Take an encryption of the hub."""
        self._take("hub", sighting)

    def device(self, sighting: Sighting) -> None:
        """Take an encryption of the device."""
        if not self.thief:
            self._take("device", sighting)

    def _take(self, side: str, sighting: Sighting) -> None:
        self.count += 1
        key, text = (int.from_bytes(part[:KEPT_BYTES]) for part in sighting)
        if self._seen.setdefault(key, text) != text:
            raise ViolationError(f"reused: the {side} encrypts a second text with one key")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch both sides while this lasts."""
        sender_class: Any = PaperSender  # untyped, as the whole core
        own = sender_class.attempt

        def attempt(sender: Any, entropy: bytes, now: int) -> Any:
            self.device(sight(b"PAPER", sender.chain, b"", 0, sender.text or b""))  # one K_i, one message: the attempts differ by OAEP
            return own(sender, entropy, now)

        sender_class.attempt = attempt
        try:
            with watched(self.hub, self.device):
                yield
        finally:
            sender_class.attempt = own

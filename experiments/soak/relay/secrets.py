"""Looks for what no relay may have, in its memory, storage and log: keys and texts of others, end to end (protocol.md 10)."""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from experiments.soak.counts import ViolationError
from experiments.virtual.memory import found
from self_secure_device.tables import OPENED

from .world import HUB_ID, NAMES, RELAYS

if TYPE_CHECKING:
    from .world import World

KEPT: Final = 400  # secrets that are looked for, of some ten epochs
TEXTS: Final = 100  # messages


class Secrets:
    """Collects what is secret, and searches the relays for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[str, deque[bytes]] = {name: deque(maxlen=KEPT) for name in NAMES}
        self._texts: dict[str, deque[bytes]] = {name: deque(maxlen=TEXTS) for name in NAMES}
        self.looks = 0

    def text(self, name: str, body: bytes) -> None:
        """Take a message that only the hub and this device may know."""
        self._texts[name].append(body)

    def collect(self) -> None:
        """Take the present secrets between each device and the hub."""
        for name in NAMES:
            known = self._kept[name]
            known.extend(secret for secret in secrets_of(self._world.node(name).core) if secret not in known)

    def search(self) -> None:
        """ViolationError when a relay has a secret of somebody else."""
        world = self._world
        for relay in RELAYS:
            node = world.relay(relay)
            foreign = {secret for name in NAMES if name != relay for secret in (*self._kept[name], *self._texts[name])}
            self.looks += 1
            if found(foreign, node, but=(world, world.counts, world.reuse, world.meddler, node.power)):
                raise ViolationError(f"leaked: relay {relay} has a key or a text that is not its own")


def secrets_of(core: Any) -> Iterator[bytes]:
    """Yield the secrets that a device shares with the hub alone, and those that they become from."""
    for key in core.keyring.of(HUB_ID):
        yield key.store
        if key.session is not None:
            yield from (key.session.sender.chain, key.session.receiver.chain)
    for machine in core._pairing.negotiations:  # noqa: SLF001  # who looks for secrets has to know where they are
        if machine.state == OPENED:
            continue  # only its key is left
        secrets = machine.request._secrets  # noqa: SLF001  # as above
        held = (machine.keys, machine.shared, *((secrets.seed, secrets.secret) if secrets is not None else ()))
        yield from (one for one in held if one and not machine.relay)

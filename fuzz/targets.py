"""The targets by name."""

from types import ModuleType
from typing import Final

from . import beacon, connection, fragments, frames, keyring, messages, packets, sets, snapshot

TARGETS: Final[dict[str, ModuleType]] = {
    module.__name__.rpartition(".")[2]: module
    for module in (beacon, connection, fragments, frames, keyring, messages, packets, sets, snapshot)
}

"""Writes down every key that Self-Secure makes in a throw-away world, so that what is on disk can be searched for them.

The file (`SELF_SECURE_WITNESS`, outside the configuration) gets a line "kind hex" for each, before the key is used.
"""

from collections.abc import Mapping
import os
from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.self_secure.protocol.keys import Key

OWNER_ONLY = 0o600


async def async_setup(hass: HomeAssistant, config: Mapping[str, Any]) -> bool:  # noqa: ARG001  # Home Assistant's signature
    """Watch the making of keys from now on."""
    file = os.open(os.environ["SELF_SECURE_WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
    make = Key.__init__

    def make_watched(self: Key, raw: bytes) -> None:
        make(self, raw)
        os.write(file, f"{type(self).__name__} {raw.hex()}\n".encode())  # unbuffered: what was made is known after a kill

    Key.__init__ = make_watched  # type: ignore[method-assign]  # the only way in from outside
    return True

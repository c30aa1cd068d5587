"""An adapter for one task: opened, powered on, and given back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bumble.core import BaseBumbleError
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.transport import open_transport

VIRTUAL = "tcp-client:127.0.0.1:"  # the virtual radio's controllers; nobody has a real one there


@asynccontextmanager
async def powered(spec: str, address: str) -> AsyncIterator[Device]:
    """Give the adapter behind a Bumble transport; OSError or a Bumble error when there is none."""
    async with await open_transport(spec) as transport:
        configuration = DeviceConfiguration(name="", address=Address(address), le_enabled=True, classic_enabled=False)
        device = Device.from_config_with_hci(configuration, transport.source, transport.sink)
        await device.power_on()
        yield device
        with suppress(BaseBumbleError, OSError):
            await device.power_off()


def kind_of(spec: str) -> str:
    """Return what numbers from this adapter are worth."""
    return "virtual radio, a simulation" if spec.startswith(VIRTUAL) else "real radio"

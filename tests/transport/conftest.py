"""A running client on a wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest

from custom_components.self_secure.transport import contact
from custom_components.self_secure.transport.client import Client
import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported

from .wire import Wire, pair

type StartClient = Callable[[], Awaitable[Client]]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """A board that has no key, in reach; links linger for a shorter time than for users."""
    monkeypatch.setattr(contact, "LINGER_SECONDS", 0.2)
    return Wire()


@pytest.fixture
async def start_client(wire: Wire) -> AsyncIterator[StartClient]:
    """Start clients from what is on disk; each replaces the one before on the wire."""
    async with AsyncExitStack() as stack:
        running: list[asyncio.Task[None]] = []

        async def start() -> Client:
            client = wire.client()
            client.start()
            for task in running:
                task.cancel()
            running.append(asyncio.create_task(wire.run(client)))
            stack.push_async_callback(client.stop)
            return client

        yield start
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def client(wire: Wire, start_client: StartClient) -> Client:
    """A client that runs and has no key."""
    return await start_client()


@pytest.fixture
async def paired(wire: Wire, client: Client) -> Client:
    """A client that is paired with the board."""
    await pair(wire, client)
    return client

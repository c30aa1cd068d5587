"""What several files of this room use."""

from collections.abc import AsyncIterator

import pytest

from .scripted import Bridge


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    """Give the far end of a board's radio, to be scripted."""
    made = Bridge()
    yield made
    made.close()

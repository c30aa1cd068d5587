"""A paired hub and device, frame by frame."""

import random

import pytest

from .renewal import Renewing


@pytest.fixture
def renewing() -> Renewing:
    """The hub was restarted and has sent R0."""
    return Renewing.after_restart(random.Random(3))


@pytest.fixture
def talking() -> Renewing:
    """Both sides have their chains, the link is open."""
    return Renewing.paired(random.Random(4))

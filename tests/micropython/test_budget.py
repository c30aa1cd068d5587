"""What the device costs a microcontroller, in flash; the live tests look at the heap."""

import pytest

from self_secure_device_board.flash import CORE_UNIT, GROUP, PAPER, PROGRAM, Image, build

RESIDENT_LIMIT = 16 * 1024  # bytes of .mpy that a device has loaded all the time: the budget of protocol and machines
CORE_LIMIT = 25 * 1024  # with pairing (a relay's invitations are in it) and resume, of which one at a time is loaded
PATH_LIMIT = 2 * 1024  # the far end of a relay, loaded by its first ROUTE
PROGRAM_LIMIT = 6 * 1024
PAPER_LIMIT = 6 * 1024
GROUP_LIMIT = 2560  # loaded with the first key of a group, or the versions of one on the disk
PATH = "path"


@pytest.fixture(scope="module")
def image() -> Image:
    return build("display")


def test_the_core_keeps_its_budget(image: Image) -> None:
    assert image.size(CORE_UNIT) <= RESIDENT_LIMIT
    assert image.size(CORE_UNIT) < image.core_size - image.size(PATH) <= CORE_LIMIT
    assert 0 < image.size(PATH) <= PATH_LIMIT


def test_the_program_the_research_suite_and_groups_keep_theirs(image: Image) -> None:
    assert 0 < image.size(PROGRAM) <= PROGRAM_LIMIT
    assert 0 < image.size(PAPER) <= PAPER_LIMIT
    assert 0 < image.size(GROUP) <= GROUP_LIMIT


def test_only_core_and_program_are_loaded_at_the_start(image: Image) -> None:
    assert image.load == [f"{CORE_UNIT}0", f"{PROGRAM}0"]
    assert {"negotiation", "resume", "paper"} <= {name.removeprefix("shared_") for name in image.sizes}


def test_an_image_is_reproducible(image: Image) -> None:
    assert build("display") == image

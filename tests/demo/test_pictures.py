"""The album's part of the pictures; a browser takes them, and a person looks at them."""

import io
from pathlib import Path
import random
import re

from PIL import Image
import pytest

from demo.browser.chromium import HEIGHT, WIDTH
from demo.errors import DemoError
from demo.pictures.__main__ import README
from demo.pictures.album import COLOURS, LARGEST, around, small

REPOSITORY = Path(__file__).parent.parent.parent


def png(size: tuple[int, int], data: bytes) -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", size, data).save(out, "PNG")
    return out.getvalue()


def test_a_cut_holds_all_parts_and_a_margin() -> None:
    boxes = [{"x": 100, "y": 200, "width": 50, "height": 20}, {"x": 300, "y": 100, "width": 10, "height": 10}]
    assert around(boxes, 8) == {"x": 92, "y": 92, "width": 226, "height": 136}  # type: ignore[arg-type]  # a FloatRect is such a dict


def test_a_cut_stays_inside_the_window() -> None:
    assert around([{"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT}], 24) == {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT}


def test_a_picture_has_few_colours_and_its_size() -> None:
    shades = bytes(value % 256 for value in range(64 * 64 * 3))
    with Image.open(io.BytesIO(small(png((64, 64), shades), "shades"))) as picture:
        assert (picture.mode, picture.size) == ("P", (64, 64))
        assert len(picture.getcolors() or []) <= COLOURS


def test_a_picture_that_stays_large_is_refused() -> None:
    side = 600  # 360,000 indexed pixels of noise
    with pytest.raises(DemoError, match=f"noise.png has .* {LARGEST} are allowed"):
        small(png((side, side), random.Random(1).randbytes(side * side * 3)), "noise")


def test_the_readme_shows_the_pictures_that_are_taken_for_it() -> None:
    shown = re.findall(r"!\[[^]]+\]\(docs/images/([\w-]+)\.png\)", (REPOSITORY / "README.md").read_text())
    assert sorted(shown) == sorted(README)
    assert sorted(path.stem for path in (REPOSITORY / "docs" / "images").iterdir()) == sorted(README)

"""Where the pictures go: PNG files, cropped, and small enough for a repository."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
import io
from typing import TYPE_CHECKING

from PIL import Image
from playwright.async_api import Error as PlaywrightError

from demo.browser.chromium import HEIGHT, WIDTH
from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from playwright.async_api import FloatRect, Locator, Page

#: Bytes of one picture: a reader of the README loads all of them.
LARGEST = 200_000

#: Colours of a picture: a user interface has few, and an indexed PNG is a third of the size.
COLOURS = 256

#: CSS pixels around what is cut out.
MARGIN = 24

#: A page has settled when it looks the same after so many seconds; one that never does is taken as it is.
PAUSE, LOOKS = 0.3, 6


@dataclass(frozen=True, slots=True)
class Album:
    """Saves pictures of a page below `folder`; only those named in `only`, if any are."""

    page: Page
    folder: Path
    only: frozenset[str] = frozenset()

    async def save(self, name: str, *parts: Locator, margin: int = MARGIN) -> None:
        """Save the page, or the rectangle around these parts of it, as `name`.png."""
        if self.only and name not in self.only:
            return
        await self.page.mouse.move(1, 1)  # else it hovers over what comes next
        shot = await self._settled(parts, margin)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.png").write_bytes(small(shot, name))
        print(f"{name}.png", flush=True)

    async def _settled(self, parts: Sequence[Locator], margin: int) -> bytes:
        """Return the first picture that looks like the one before it: icons come late, a dialog grows."""
        shots = [b""]
        for _ in range(LOOKS):
            clip = around([box for part in parts if (box := await part.bounding_box())], margin) if parts else None
            shots.append(await self.page.screenshot(animations="disabled", caret="hide", clip=clip))
            if shots[-1] == shots[-2]:
                break
            await asyncio.sleep(PAUSE)
        return shots[-1]

    @asynccontextmanager
    async def evidence(self) -> AsyncIterator[None]:
        """Turn what a page does not show into a DemoError, with a picture of what it shows instead."""
        try:
            yield
        except PlaywrightError as error:
            await Album(self.page, self.folder).save("failed")
            raise DemoError(f"{error.message}\nsee {self.folder / 'failed.png'}") from error


def around(boxes: list[FloatRect], margin: int) -> FloatRect:
    """Return the rectangle around all boxes and a margin, inside the window."""
    left = max(0.0, min(box["x"] for box in boxes) - margin)
    top = max(0.0, min(box["y"] for box in boxes) - margin)
    right = min(float(WIDTH), max(box["x"] + box["width"] for box in boxes) + margin)
    bottom = min(float(HEIGHT), max(box["y"] + box["height"] for box in boxes) + margin)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def small(png: bytes, name: str) -> bytes:
    """Return the picture with few colours; DemoError when it is still too large."""
    with Image.open(io.BytesIO(png)) as picture:
        indexed = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    indexed.save(out, "PNG", optimize=True)
    if out.tell() > LARGEST:
        raise DemoError(f"{name}.png has {out.tell()} bytes, {LARGEST} are allowed")
    return out.getvalue()

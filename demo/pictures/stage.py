"""What all pictures are taken of: the virtual radio, three devices, Home Assistant, and a browser that is signed in."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import radio
from demo.browser.chromium import open_page
from demo.browser.pages import Site
from demo.folder import USER
from demo.homeassistant import HomeAssistant
from demo.processes import Processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Page

    from demo.folder import Folder
    from demo.radio import Air, World

    from .album import Album

#: Seconds between two readings of a device: the page shows some soon.
INTERVAL = 3.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything at hand: `site` for what a person does, `home_assistant.signed_in()` for what only prepares a picture."""

    world: World
    home_assistant: HomeAssistant
    site: Site
    album: Album


@asynccontextmanager
async def open_stage(air: Air, folder: Folder, new_album: Callable[[Page], Album]) -> AsyncIterator[Stage]:
    """Start everything with nothing paired, sign in, and end everything afterwards."""
    folder.prepare()
    async with Processes() as processes:
        world = await radio.start(air, folder, processes, radio.Fleet(INTERVAL), lambda _key, _line: None)
        home_assistant = HomeAssistant(folder)
        try:
            await home_assistant.start(world.radio.scanners)
            async with home_assistant.signed_in():
                pass  # now there is a user
            async with open_page() as page:
                site = Site(page, home_assistant.url)
                stage = Stage(world, home_assistant, site, new_album(page))
                async with stage.album.evidence():
                    await site.sign_in(USER, folder.password())
                    yield stage
        finally:
            await home_assistant.process.stop()

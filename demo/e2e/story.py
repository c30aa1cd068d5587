"""What all steps share."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.errors import DemoError
from demo.hub import Hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from demo.browser.pages import DevicePage
    from demo.folder import Folder
    from demo.pictures.stage import Stage
    from demo.radio import Device
    from demo.terminal import Report


@dataclass(frozen=True, slots=True)
class Story:
    """The stage, the folder of its Home Assistant, and who counts the steps."""

    stage: Stage
    folder: Folder
    report: Report

    @asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[Callable[[str], None]]:
        """Time a step and report it; what a page does not show fails it, with a picture."""
        async with self.report.step(title) as tell, self.stage.album.evidence():
            yield tell

    def device(self, key: str) -> Device:
        """Return the device with this short key."""
        return self.stage.world.device(key)

    def store(self, device: Device) -> Path:
        """Return the file that holds Home Assistant's key of a device; DemoError unless there is just one."""
        known = device.matches(r"ready identity=(\w+)")[0][1]
        found = self.folder.stores(known)
        if len(found) != 1:
            raise DemoError(f"Home Assistant keeps {len(found)} files of {device.name}", self.stage.home_assistant.process)
        return found[0]

    async def device_page(self, name: str) -> DevicePage:
        """Open the page of a device."""
        async with self.stage.home_assistant.signed_in() as api:
            device_id = await Hub(api).device_id(name)
        return await self.stage.site.device(device_id)

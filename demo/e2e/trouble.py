"""What may befall a paired device, and what the user does about it; the entities stay in all of it but the last."""

import re
from typing import TYPE_CHECKING

from demo.errors import DemoError
from demo.hub import Hub
from demo.pairing import DOMAIN, card_of
from demo.pictures import walk
from demo.waiting import until

if TYPE_CHECKING:
    from demo.browser.dialog import FlowDialog

    from .story import Story

#: Seconds until a device that was repaired is read again.
READ = 60.0

#: Milliseconds until Home Assistant is sure that a device was reset: two looks, a minute apart.
RESET_SEEN = 200_000

#: Milliseconds until a lost key shows: at once, at the next start of the entry.
LOSS_SEEN = 30_000


async def pair_again(story: Story) -> None:
    """Reconfigure: a new key beside the old one."""
    async with story.step("the display gets a new key (Reconfigure)"):
        before = await _ids(story, "Display")
        dialog = await (await story.stage.site.integration(DOMAIN)).entry("Display").reconfigure()
        await story.stage.album.save("reconfigure", dialog.whole)
        await _pair_again(story, dialog, "display")
        await _check_kept(story, "Display", before)
        async with story.stage.home_assistant.signed_in() as api:
            if not await Hub(api).send(await Hub(api).device_id("Display"), "under the new key"):
                raise DemoError("a message under the new key was not delivered", story.device("display"))
        await story.device("display").wait_for("received text: under the new key$", READ)


async def lose_the_key(story: Story) -> None:
    """The file with the key is deleted: Home Assistant says so, and the device is paired again from there."""
    async with story.step("the lost key of the thermometer is repaired"):
        before = await _ids(story, walk.THERMOMETER)
        story.store(story.device("thermometer")).unlink()
        entry = (await story.stage.site.integration(DOMAIN)).entry(walk.THERMOMETER)
        await entry.reload()
        await entry.row.get_by_text("Failed to set up").wait_for()
        await _repair(story, "The key of Thermometer is lost", "thermometer", LOSS_SEEN)
        await _check_kept(story, walk.THERMOMETER, before)
        await _check_readings(story)


async def reset_the_device(story: Story) -> None:
    """A factory reset: the device's beacon tells it, and the device is paired again."""
    async with story.step("the thermometer, reset to its factory state, is repaired"):
        before = await _ids(story, walk.THERMOMETER)
        await story.device("thermometer").send("reset")
        await _repair(story, "Thermometer says that it was reset", "thermometer", RESET_SEEN)
        await _check_kept(story, walk.THERMOMETER, before)
        await _check_readings(story)


async def remove(story: Story) -> None:
    """Delete the entry: the key is wiped, and the device is discovered when it is reset."""
    async with story.step("the display is deleted, its key with it, and it is discovered again"):
        store = story.store(story.device("display"))
        await (await story.stage.site.integration(DOMAIN)).entry("Display").delete()
        if store.exists():
            raise DemoError(f"{store.name} is still there", story.stage.home_assistant.process)
        await story.device("display").send("reset")
        async with (
            story.stage.home_assistant.signed_in() as api
        ):  # the page loses a card that comes while it begins, until it is opened anew
            await card_of(api, "Display")
        await (await story.stage.site.integrations()).card("Display").wait_for()
        await story.stage.album.save("rediscovered")


async def _repair(story: Story, title: str, key: str, within: float) -> None:
    """Follow the repair of this issue to its end; then the issue is gone."""
    page = await story.stage.site.repairs()
    dialog = await page.open(title, within)
    await story.stage.album.save(f"repair-{re.sub(r'\W+', '-', title.lower())}", dialog.whole)
    await dialog.press("Pair again")
    await dialog.wait_for_step("Pair again")
    await _pair_again(story, dialog, key)
    await page.issue(title).wait_for(state="detached")


async def _pair_again(story: Story, dialog: FlowDialog, key: str) -> None:
    """Press the device's button, go on, compare the codes, and close the dialog."""
    device = story.device(key)
    position = device.position
    await device.send("pair")
    await dialog.press("Pair again")
    await walk.compare(dialog, await dialog.code(), device)
    await dialog.wait_for_abort()
    await story.stage.album.save(f"paired-again-{key}", dialog.whole)
    await dialog.close()
    await device.wait_for("verified compared=yes", READ, position)


async def _ids(story: Story, name: str) -> tuple[str, list[str]]:
    """Return what must not change when a device is paired again: Home Assistant's ids of the device and of its sensors."""
    async with story.stage.home_assistant.signed_in() as api:
        return await Hub(api).device_id(name), sorted(await Hub(api).entities(name, "sensor"))


async def _check_kept(story: Story, name: str, before: tuple[str, list[str]]) -> None:
    after = await _ids(story, name)
    if after != before:
        raise DemoError(f"{name} was {before}, now it is {after}", story.stage.home_assistant.process)


async def _check_readings(story: Story) -> None:
    """Wait until the page of the thermometer shows another temperature or humidity."""
    page = await story.device_page(walk.THERMOMETER)

    async def look() -> tuple[str, str]:
        return await page.reading("Temperature"), await page.reading("Humidity")

    first = await look()
    await until(look, lambda shown: shown != first, READ, "the readings of the thermometer stand still", story.device("thermometer"))

"""What a user reads when something goes wrong; each is made to go wrong for real."""

import asyncio
from typing import TYPE_CHECKING

from demo.browser.dialog import CREATED
from demo.browser.pages import DEVICES, IntegrationsPage
from demo.hub import Hub
from demo.pairing import DOMAIN, wait_until_discovered

from . import walk

if TYPE_CHECKING:
    from demo.browser.dialog import FlowDialog

    from .stage import Stage

#: The device that all of this happens to; the walk has left it unpaired.
KEY, NAME = "door", "Front door"

#: Seconds within which Home Assistant, which has forgotten a device, hears it again.
HEARD = 5.0

#: Seconds until a pressed button is seen.
READ = 60.0

#: Seconds that a message to a device without power is waited for.
BRIEFLY = 5

#: Bytes of the longest message, and one more (the protocol's BODY_MAX).
TOO_LARGE = 976


async def take(stage: Stage) -> None:
    """Take a picture of each failure; all but the last ones leave the device unpaired."""
    for scene in (_closed, _different_code, _too_few_packets, _out_of_range, _paired_meanwhile, _unverified):
        await scene(stage)
    for scene in (_nothing_to_add, _not_delivered, _too_large):
        await scene(stage)


async def _open_dialog(stage: Stage) -> FlowDialog:
    """Press Add on the card, which may have to come back first."""
    async with stage.home_assistant.signed_in() as api:
        await wait_until_discovered(api, 1)
    return await (await stage.site.integrations()).add(NAME)


async def _submitted(stage: Stage) -> FlowDialog:
    """Begin to pair; a card whose dialog was closed at a failure goes on from there."""
    dialog = await _open_dialog(stage)
    await dialog.go_on("Pairing")
    return dialog


async def _save_failure(stage: Stage, dialog: FlowDialog, name: str) -> None:
    await dialog.wait_for_step("Not paired")
    await stage.album.save(f"failed-{name}", dialog.whole)
    print(f"    {await dialog.error.inner_text()}", flush=True)
    await dialog.close()


async def _closed(stage: Stage) -> None:
    """A person who closes the dialog finds the card again."""
    dialog = await _submitted(stage)
    await dialog.wait_for_text("received: ")
    await dialog.close()
    await IntegrationsPage(stage.site.page).card(NAME).wait_for()
    await stage.album.save("after-closing")


async def _different_code(stage: Stage) -> None:
    """The pairing has gone on without the dialog."""
    dialog = await _open_dialog(stage)
    await dialog.code()
    await dialog.choose("Another code")
    await dialog.press("Submit")
    await _save_failure(stage, dialog, "different-code")
    await stage.world.device(KEY).send("reset")


async def _too_few_packets(stage: Stage) -> None:
    """The device loses its power in the middle of the broadcast."""
    dialog = await _submitted(stage)
    await dialog.wait_for_text("received: ")
    device = stage.world.device(KEY)
    await device.stop()
    await _save_failure(stage, dialog, "too-few-packets")
    await device.start()
    await device.announce()


async def _out_of_range(stage: Stage) -> None:
    dialog = await _open_dialog(stage)
    device = stage.world.device(KEY)
    await device.stop()
    await dialog.go_on("Pairing")
    await _save_failure(stage, dialog, "out-of-range")
    await device.start()
    await device.announce()


async def _paired_meanwhile(stage: Stage) -> None:
    """Home Assistant forgets the device while that has no power, so it goes on believing that it is paired."""
    dialog = await _submitted(stage)
    await walk.compare(dialog, await dialog.code(), stage.world.device(KEY))
    await dialog.wait_for_step(CREATED)
    await dialog.press("Skip and finish")
    async with stage.home_assistant.signed_in() as api:
        await stage.world.device(KEY).stop()
        (entry,) = (entry for entry in await Hub(api).entries() if entry["title"] == NAME)
        await api.delete(f"/api/config/config_entries/entry/{entry['entry_id']}")
    await stage.world.device(KEY).start()
    await stage.world.device(KEY).announce()
    await asyncio.sleep(HEARD)
    dialog = await (await stage.site.integration(DOMAIN)).add(DEVICES)
    await stage.album.save("choose-device", dialog.whole)
    await dialog.press("Submit")
    await _save_failure(stage, dialog, "paired-meanwhile")


async def _unverified(stage: Stage) -> None:
    """A device without a display is marked for ever; its button shows when it was pressed."""
    device = stage.world.device(KEY)
    await device.send("reset")
    dialog = await _submitted(stage)
    await dialog.code()
    await dialog.choose("No code, because it has no display")
    await dialog.press("Submit")
    await dialog.wait_for_step(CREATED)
    await dialog.press("Skip and finish")
    await device.send("press")
    async with stage.home_assistant.signed_in() as api:
        await Hub(api).wait_for_states(NAME, "event", bool, READ)
        device_id = await Hub(api).device_id(NAME)
    page = await stage.site.device(device_id)
    await page.row("Button").wait_for()
    await walk.save_tall(stage, "unverified")


async def _nothing_to_add(stage: Stage) -> None:
    dialog = await (await stage.site.integration(DOMAIN)).add(DEVICES)
    await stage.album.save("nothing-to-add", dialog.whole)
    await dialog.close()


async def _send(stage: Stage, name: str, data: dict[str, object]) -> None:
    async with stage.home_assistant.signed_in() as api:
        device_id = await Hub(api).device_id("Display")
    page = await stage.site.actions(f"{DOMAIN}.send_message", {"device_id": [device_id], **data})
    await page.perform()
    told = page.error.or_(page.response).first
    await told.scroll_into_view_if_needed()
    await stage.album.save(name, told)


async def _too_large(stage: Stage) -> None:
    await _send(stage, "failed-too-large", {"message": "x" * TOO_LARGE})


async def _not_delivered(stage: Stage) -> None:
    await stage.world.device("display").stop()
    await _send(stage, "failed-not-delivered", {"message": "Are you there?", "timeout": BRIEFLY})

"""A pairing that succeeds, the device after it, and a message: the pictures of the README, and those between them."""

from typing import TYPE_CHECKING

from demo.browser.chromium import HEIGHT, WIDTH
from demo.browser.dialog import CREATED
from demo.errors import DemoError
from demo.hub import Hub
from demo.pairing import card_of, pair, wait_until_discovered

if TYPE_CHECKING:
    from demo.browser.dialog import FlowDialog
    from demo.browser.pages import DevicePage, IntegrationsPage
    from demo.radio import Device

    from .stage import Stage

#: CSS pixels of a window that shows the whole page of a device.
TALL = 1320

THERMOMETER = "Thermometer"

#: Seconds until the first readings of a new device are there.
READ = 60.0

#: What the progress step shows near the middle of a broadcast.
UNDER_WAY = r"received: ([89]\d|1\d\d) "


async def pairing(stage: Stage) -> None:
    """Walk the way of a user from the discovered cards to the page of the thermometer."""
    integrations = await discover(stage)
    await pair_by_hand(stage, await integrations.add(THERMOMETER))
    await device_page(stage)


async def discover(stage: Stage) -> IntegrationsPage:
    """See a card for each device that is not paired."""
    async with stage.home_assistant.signed_in() as api:
        await wait_until_discovered(api, len(stage.world.devices))
    integrations = await stage.site.integrations()
    cards = [integrations.card(device.kind.name) for device in stage.world.devices]
    for card in cards:
        await card.locator("img").wait_for()
    await stage.album.save("discovered", stage.site.page.get_by_role("heading", name="Discovered"), *cards, margin=8)
    return integrations


async def pair_by_hand(stage: Stage, dialog: FlowDialog) -> None:
    """Confirm, watch the progress, compare the codes, and finish."""
    await stage.album.save("confirm", dialog.whole)
    await dialog.press("Submit")
    await dialog.wait_for_text(UNDER_WAY)
    await stage.album.save("progress", dialog.whole)
    await _compare(stage, dialog)
    await dialog.wait_for_step(CREATED)
    await stage.album.save("created", dialog.whole)
    await dialog.press("Skip and finish")


async def _compare(stage: Stage, dialog: FlowDialog) -> None:
    code = await dialog.code()
    await stage.album.save("code", dialog.whole)
    if chosen := await dialog.chosen():
        raise DemoError(f"the dialog answers for the user: {chosen}")
    await dialog.press("Submit")
    await dialog.error.first.wait_for()
    await stage.album.save("code-without-answer", dialog.whole)
    await compare(dialog, code, stage.world.device("thermometer"))


async def compare(dialog: FlowDialog, code: str, device: Device) -> None:
    """Answer that the device shows this code too; DemoError unless it does."""
    if device.codes()[-1:] != [code]:
        raise DemoError(f"Home Assistant shows {code}, the device {device.codes()}", device)
    await dialog.choose("The same code")
    await dialog.press("Submit")


async def device_page(stage: Stage) -> DevicePage:
    """See the readings of the thermometer."""
    async with stage.home_assistant.signed_in() as api:
        await Hub(api).wait_for_states(THERMOMETER, "sensor", bool, READ)
        device_id = await Hub(api).device_id(THERMOMETER)
    page = await stage.site.device(device_id)
    await page.row("Temperature").wait_for()
    await page.row("Code compared").wait_for()
    await save_tall(stage, "device")
    return page


async def save_tall(stage: Stage, name: str) -> None:
    """Save a page that is longer than the window."""
    await stage.site.page.set_viewport_size({"width": WIDTH, "height": TALL})
    await stage.album.save(name)
    await stage.site.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


async def message(stage: Stage) -> None:
    """Pair the display and send it a message from the page of actions."""
    async with stage.home_assistant.signed_in() as api:
        await pair(api, (await card_of(api, "Display"))["flow_id"], [stage.world.device("display")])
        device_id = await Hub(api).device_id("Display")
    page = await stage.site.actions("self_secure.send_message", {"device_id": [device_id], "message": "The washing machine is done"})
    await stage.album.save("action")
    await page.perform()
    await page.response.scroll_into_view_if_needed()
    await stage.album.save("message", page.response)
    await (await stage.site.integration("self_secure")).page.locator("text=Display").first.wait_for()
    await stage.album.save("integration")

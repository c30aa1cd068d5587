"""The pages of Home Assistant that the way of a user leads through."""

from dataclasses import dataclass
import json
from typing import TYPE_CHECKING

from .dialog import FlowDialog

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

#: What leads on from discovered devices, the title of the menu of what can be added, and its items.
ANOTHER = "Set up another instance of Self-Secure"
MENU, DEVICES, GROUP = "What do you want to add?", "Pair devices", "Make a group of paired devices"

#: Milliseconds until an action has its response; one that waits for a device that is away takes its own timeout.
PERFORMED = 60_000


@dataclass(frozen=True, slots=True)
class Site:
    """Home Assistant at `url` (no slash at its end) in one browser page."""

    page: Page
    url: str

    async def sign_in(self, user: str, password: str) -> None:
        """Fill the sign-in form, and wait until it is gone."""
        await self.page.goto(self.url)
        await self.page.locator("input[name=username]").fill(user)
        await self.page.locator("input[name=password]").fill(password)
        await self.page.locator("input[name=password]").press("Enter")
        await self.page.locator("ha-sidebar").wait_for()

    async def integrations(self) -> IntegrationsPage:
        """Open Settings → Devices & services."""
        await self.page.goto(f"{self.url}/config/integrations/dashboard")
        await self.page.locator("ha-config-integrations-dashboard h1").first.wait_for()
        return IntegrationsPage(self.page)

    async def integration(self, domain: str) -> IntegrationPage:
        """Open the page of one integration."""
        await self.page.goto(f"{self.url}/config/integrations/integration/{domain}")
        await self.page.locator("ha-config-integration-page h1").first.wait_for()
        return IntegrationPage(self.page)

    async def repairs(self) -> RepairsPage:
        """Open Settings → Repairs."""
        await self.page.goto(f"{self.url}/config/repairs")
        await self.page.locator("ha-config-repairs-dashboard ha-card").first.wait_for()
        return RepairsPage(self.page)

    async def device(self, device_id: str) -> DevicePage:
        """Open the page of a device."""
        await self.page.goto(f"{self.url}/config/devices/device/{device_id}")
        await self.page.locator("ha-config-device-page ha-card").first.wait_for()
        return DevicePage(self.page)

    async def actions(self, action: str, data: dict[str, object]) -> ActionsPage:
        """Open Settings → Tools → Actions with an action and its data filled in."""
        filled = json.dumps({"action": action, "data": data})
        await self.page.evaluate("filled => localStorage.setItem('panel-dev-action-state-service-data', filled)", filled)
        await self.page.goto(f"{self.url}/config/tools/action")
        await self.page.locator("tools-action ha-selector").first.wait_for()
        return ActionsPage(self.page)


@dataclass(frozen=True, slots=True)
class IntegrationsPage:
    """Settings → Devices & services: the discovered cards are on top."""

    page: Page

    @property
    def discovered(self) -> Locator:
        """The cards of discovered devices, of every integration."""
        return self.page.locator("ha-config-flow-card")

    def card(self, name: str) -> Locator:
        """Return the discovered card with this name."""
        return self.discovered.filter(has_text=name)

    async def add(self, name: str) -> FlowDialog:
        """Press Add on a discovered card."""
        await self.card(name).get_by_role("button", name="Add").click()
        dialog = FlowDialog(self.page)
        await dialog.title.wait_for()
        return dialog


@dataclass(frozen=True, slots=True)
class IntegrationPage:
    """The page of one integration, with its devices."""

    page: Page

    async def add(self, what: str) -> FlowDialog:
        """Press Add device and pick one of what the menu offers; there is a menu as soon as a device is paired.

        Home Assistant asks before whether a discovered device is meant, if there is one.
        """
        await self.page.get_by_role("button", name="Add device").click()
        dialog, another = FlowDialog(self.page), self.page.get_by_text(ANOTHER)
        await dialog.title.filter(has_text=MENU).or_(another).wait_for()
        if await another.is_visible():
            await another.click()
        await dialog.pick(what)
        await dialog.title.filter(has_not_text=MENU).wait_for()
        return dialog

    def entry(self, title: str) -> Entry:
        """Return the entry with this title."""
        return Entry(self.page, title)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry on the page of an integration, with its menu."""

    page: Page
    title: str

    @property
    def row(self) -> Locator:
        """The entry with its devices."""
        return self.page.locator("ha-config-entry-row").filter(has_text=self.title)

    async def _choose(self, item: str) -> None:
        await self.row.locator("ha-dropdown ha-icon-button").first.click()
        await self.row.get_by_role("menuitem", name=item).click()

    async def reconfigure(self) -> FlowDialog:
        """Choose Reconfigure from the menu."""
        await self._choose("Reconfigure")
        dialog = FlowDialog(self.page)
        await dialog.title.wait_for()
        return dialog

    async def reload(self) -> None:
        """Choose Reload from the menu; the box that says so does not come when the entry moves to another part of the page."""
        await self._choose("Reload")

    async def delete(self) -> None:
        """Choose Delete from the menu, confirm it, and wait until the entry is gone."""
        await self._choose("Delete")
        await self.page.locator("dialog-box").get_by_role("button", name="Delete").click()
        await self.row.wait_for(state="detached")


@dataclass(frozen=True, slots=True)
class RepairsPage:
    """Settings → Repairs."""

    page: Page

    def issue(self, title: str) -> Locator:
        """Return the line of an issue; it comes and goes by itself."""
        return self.page.locator("ha-config-repairs").get_by_text(title, exact=True)

    async def open(self, title: str, within: float) -> FlowDialog:
        """Wait for an issue, at most `within` milliseconds, and open what fixes it."""
        await self.issue(title).click(timeout=within)
        dialog = FlowDialog(self.page)
        await dialog.title.wait_for()
        return dialog


@dataclass(frozen=True, slots=True)
class DevicePage:
    """The page of a device: its information, entities and activity."""

    page: Page

    def row(self, entity: str) -> Locator:
        """Return the row of an entity, by its short name."""
        return self.page.locator("ha-config-device-page hui-generic-entity-row").filter(has_text=entity)

    async def reading(self, entity: str) -> str:
        """Return what the row of an entity shows, with its unit."""
        return (await self.row(entity).inner_text()).removeprefix(entity).strip()


@dataclass(frozen=True, slots=True)
class ActionsPage:
    """Settings → Tools → Actions."""

    page: Page

    @property
    def form(self) -> Locator:
        """The card with the action's fields."""
        return self.page.locator("tools-action ha-card").first

    @property
    def response(self) -> Locator:
        """The card with the response of the last action."""
        return self.page.locator("tools-action ha-card").filter(has_text="Response")

    @property
    def error(self) -> Locator:
        """What the last action complains about."""
        return self.page.locator("tools-action ha-alert")

    async def perform(self) -> None:
        """Press the button and wait for the response or the error."""
        await self.page.locator("tools-action").get_by_role("button", name="Perform action").click()
        await self.response.or_(self.error).first.wait_for(timeout=PERFORMED)

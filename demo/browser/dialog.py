"""The dialog of a config flow, whatever step it shows."""

from dataclasses import dataclass
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

#: Title of the last step: the device is there, and gets a name and an area.
CREATED = "Name and assign"

#: Milliseconds from the confirmation to the code or the failure: the broadcast takes up to 2,048 packets of 35 ms.
NEGOTIATED = 240_000


@dataclass(frozen=True, slots=True)
class FlowDialog:
    """The open dialog; it stays the same object from step to step."""

    page: Page

    @property
    def whole(self) -> Locator:
        """The visible box."""
        return self.page.locator("dialog-data-entry-flow dialog").first

    @property
    def title(self) -> Locator:
        """The headline of the step."""
        return self.page.locator("dialog-data-entry-flow .dialog-title")

    @property
    def text(self) -> Locator:
        """The description of the step."""
        return self.page.locator("dialog-data-entry-flow ha-markdown-element").first

    @property
    def error(self) -> Locator:
        """What is wrong with the answer given."""
        return self.page.locator("dialog-data-entry-flow ha-alert")

    async def wait_for_step(self, title: str, within: float = NEGOTIATED) -> None:
        """Wait for the step with this headline, at most `within` milliseconds."""
        await self.title.get_by_text(title, exact=True).or_(self.title.filter(has_text=title)).first.wait_for(timeout=within)

    async def wait_for_text(self, pattern: str, within: float = NEGOTIATED) -> str:
        """Wait until the description has the pattern, and return the description."""
        await self.text.filter(has_text=re.compile(pattern)).wait_for(timeout=within)
        return await self.text.inner_text()

    async def wait_for_abort(self, within: float = NEGOTIATED) -> None:
        """Wait until the flow has given up; `text` says why."""
        await self.page.locator("dialog-data-entry-flow step-flow-abort").wait_for(timeout=within)

    async def press(self, button: str) -> None:
        """Press the button with this label."""
        await self.page.locator("dialog-data-entry-flow").get_by_role("button", name=button, exact=True).click()

    async def go_on(self, title: str) -> None:
        """Press the one button that leads on, whatever its label, and wait for the step with this headline."""
        await self.page.locator("dialog-data-entry-flow").get_by_role("button", name=re.compile("^(Submit|Go on)$")).click()
        await self.wait_for_step(title)

    async def pick(self, item: str) -> None:
        """Pick an item of the menu that the step shows."""
        await self.page.locator("dialog-data-entry-flow step-flow-menu").get_by_text(item, exact=True).click()

    async def fill(self, field: str, text: str) -> None:
        """Write into the field with this label."""
        await self.page.locator("dialog-data-entry-flow").get_by_role("textbox", name=field).fill(text)

    async def tick(self, *items: str) -> None:
        """Tick these boxes of a list."""
        for item in items:
            await self.page.locator("dialog-data-entry-flow").get_by_text(item, exact=True).click()
            await self.page.locator("dialog-data-entry-flow").get_by_role("checkbox", name=item, exact=True, checked=True).wait_for()

    async def choose(self, answer: str) -> None:
        """Choose one of the answers that the step offers."""
        await self.page.locator("dialog-data-entry-flow").get_by_role("radio", name=answer, exact=True).click()

    async def chosen(self) -> list[str]:
        """Return the answers that are chosen now."""
        marked = self.page.locator("dialog-data-entry-flow").get_by_role("radio", checked=True)
        return [label.strip() for label in await marked.all_inner_texts()]

    async def code(self) -> str:
        """Return the six digits of the step that asks for a comparison."""
        await self.wait_for_step("Compare the codes")
        return (await self.page.locator("dialog-data-entry-flow h1").inner_text()).replace(" ", "")

    async def close(self) -> None:
        """Close the dialog, as a person who has changed their mind or has read enough."""
        await self.page.locator("dialog-data-entry-flow").get_by_role("button", name="Close", exact=True).first.click()
        await self.title.wait_for(state="hidden")

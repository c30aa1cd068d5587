"""A headless Chromium of this machine: always the same window, theme, language and time zone."""

from contextlib import asynccontextmanager
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

#: Names of the program in Debian and elsewhere, the first that is found is taken.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

#: Nothing leaves the machine, and root may run it.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: CSS pixels of the window; Home Assistant shows its sidebar from 870 on.
WIDTH, HEIGHT = 1280, 800

#: Milliseconds until what a page must show is there, on a busy machine.
PATIENCE = 30_000


def program() -> str:
    """Return the path of Chromium; DemoError where there is none."""
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise DemoError("there is no Chromium: apt install chromium")


def install() -> None:
    """Install Debian's Chromium where there is none; DemoError says what else a person can do."""
    if any(map(shutil.which, PROGRAMS)):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise DemoError(f"there is no Chromium ({', '.join(PROGRAMS)}): as root, apt-get install chromium, or install one of these")
    print("installing chromium (once)", flush=True)
    try:
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"], check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        raise DemoError(f"chromium could not be installed: {error}") from error


@asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """Yield an empty page of a new browser that remembers nothing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        context = await browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce", locale="en-US", timezone_id="UTC"
        )
        context.set_default_timeout(PATIENCE)
        yield await context.new_page()
        await browser.close()

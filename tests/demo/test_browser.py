"""The first steps of a user in a real browser; scripts/e2e walks the whole way."""

from pathlib import Path
import shutil

import pytest

from demo.browser import chromium
from demo.browser.chromium import PROGRAMS
from demo.errors import DemoError
from demo.folder import Folder
from demo.pictures import walk
from demo.pictures.album import Album
from demo.pictures.stage import open_stage
from demo.radio import Air

#: Seconds for all steps on a busy machine; without load it is about three quarters of a minute.
LIMIT = 300

needs_browser = pytest.mark.skipif(not any(map(shutil.which, PROGRAMS)), reason="no Chromium on this machine: scripts/e2e installs it")


@needs_browser
@pytest.mark.timeout(LIMIT)
async def test_a_user_pairs_the_discovered_thermometer_and_sees_its_readings(tmp_path: Path) -> None:
    async with open_stage(Air(40, 1.0, 1), Folder(tmp_path / "demo"), lambda page: Album(page, tmp_path / "pictures")) as stage:
        integrations = await walk.discover(stage)
        await walk.pair_by_hand(stage, await integrations.add(walk.THERMOMETER))
        page = await walk.device_page(stage)
        assert (await page.reading("Temperature")).endswith("°C")
        assert (await page.reading("Humidity")).endswith("%")
    assert {"confirm.png", "progress.png", "code.png", "device.png"} <= {path.name for path in (tmp_path / "pictures").iterdir()}


def test_without_a_browser_it_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "PROGRAMS", ("no-such-browser",))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DemoError, match="as root, apt-get install chromium"):
        chromium.install()


def test_a_browser_that_is_there_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "PROGRAMS", ("sh",))
    monkeypatch.setattr("subprocess.run", lambda *_: pytest.fail("nothing is to be installed"))
    chromium.install()

"""The whole Home Assistant ends itself in the middle of a pairing, a message and a resume (protocol.md 7)."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
from dataclasses import dataclass
import json
from pathlib import Path
from typing import override

import pytest

from demo import pairing, radio
from demo.api import Api
from demo.errors import DemoError
from demo.folder import Folder
from demo.homeassistant import HomeAssistant
from demo.hub import Hub
from demo.pairing import Pairing, pair, wait_until_discovered
from demo.processes import Processes
from demo.radio import Air, World
from demo.waiting import until

LIMIT = 600  # s for one story on a busy machine; without load it is half a minute
WITHIN = 90.0  # s for what takes a few without load
AIR = Air(loss=20, burst=1.0, seed=7)
HERE = Path(__file__).parent


class TrappedFolder(Folder):
    """A demo folder whose Home Assistant has the trap installed."""

    @override
    def configure(self, port: int, scanners: list[radio.Scanner]) -> None:
        Folder.configure(self, port, scanners)
        path = self.home_assistant / "configuration.yaml"
        path.write_text(f"crash_point:\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        link = self.home_assistant / "custom_components" / "crash_point"
        link.unlink(missing_ok=True)
        link.symlink_to(HERE / "crash_point", target_is_directory=True)


@dataclass
class Story:
    """A world with one Home Assistant that starts, dies and starts again."""

    folder: Folder
    world: World
    home_assistant: HomeAssistant
    monkeypatch: pytest.MonkeyPatch

    async def start(self, **crash: object) -> None:
        self.monkeypatch.setenv("SELF_SECURE_CRASH", json.dumps(crash))
        await self.home_assistant.start(self.world.radio.scanners)
        async with self.home_assistant.signed_in():
            pass

    async def dies(self) -> None:
        async with asyncio.timeout(WITHIN):
            await self.home_assistant.process.ended()

    async def kill(self) -> None:
        await self.home_assistant.process.kill()

    async def flow_of_display(self, api: Api) -> str:
        flows = await wait_until_discovered(api, len(self.world.devices))
        by_id: dict[str, str] = {flow["context"]["unique_id"]: flow["flow_id"] for flow in flows}
        return by_id[self.world.device("display").matches(r"ready identity=(\w+)")[0][1]]

    async def pair_display(self) -> Pairing:
        """Pair the display through its discovered flow."""
        async with self.home_assistant.signed_in() as api:
            return await pair(api, await self.flow_of_display(api), [self.world.device("display")])

    async def finish_pairing(self) -> str:
        """Open the flow again; return how it ends."""
        async with self.home_assistant.signed_in() as api:
            path = f"/api/config/config_entries/flow/{await self.flow_of_display(api)}"
            step = await api.post(path, {"security": {"method": "hybrid"}})
            return str((await pairing.follow(api, step, WITHIN))["type"])

    async def say(self, text: str) -> bool:
        async with self.home_assistant.signed_in() as api:
            hub = Hub(api)
            return await hub.send(await hub.device_id("Display"), text)

    async def shows(self, *texts: str) -> list[str]:
        """Return all texts of the display, once it has shown these."""
        display = self.world.device("display")
        for text in texts:
            await display.wait_for(f"received text: {text}$", WITHIN)
        return display.texts()

    async def entry_is_stored(self) -> None:
        """Wait until Home Assistant has written the new entry, which it puts off by a second."""
        path = self.folder.home_assistant / ".storage" / "core.config_entries"

        async def look() -> bool:
            return path.exists() and "self_secure" in path.read_text(encoding="utf-8")

        await until(look, bool, WITHIN, "the entry is not stored")

    async def is_loaded(self) -> None:
        async with self.home_assistant.signed_in() as api:
            states = lambda: Hub(api).entries()  # noqa: E731  # one line, used once
            await until(states, lambda entries: [entry["state"] for entry in entries] == ["loaded"], WITHIN, "the entry is not loaded")


@pytest.fixture
async def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Story]:
    folder = TrappedFolder(tmp_path / "demo")
    folder.prepare()
    async with Processes() as processes:
        world = await radio.start(AIR, folder, processes, radio.Fleet(2.0), lambda _key, _line: None)
        home_assistant = HomeAssistant(folder)
        yield Story(folder, world, home_assistant, monkeypatch)
        await home_assistant.process.stop()


@pytest.mark.timeout(LIMIT)
async def test_three_deaths(story: Story) -> None:
    """The key is on disk and VERIFIED has not left; the id is on disk and the message has not left; R2 has not left."""
    await story.start(when="after write", keys=1)
    with contextlib.suppress(DemoError, OSError):
        await story.pair_display()
    await story.dies()

    await story.start()
    assert await story.finish_pairing() == "create_entry"  # the user had compared the code, and the key is on disk
    assert await story.say("before")
    await story.entry_is_stored()
    await story.kill()

    await story.start(when="before send", queue=1, keys=1)
    await story.is_loaded()
    with contextlib.suppress(DemoError, OSError):
        await story.say("in the middle")
    await story.dies()

    await story.start(when="after write", keys=2)
    await story.dies()

    await story.start()
    await story.is_loaded()
    assert await story.say("after")
    assert await story.shows("before", "in the middle", "after") == ["before", "in the middle", "after"]
    assert len(story.world.device("display").codes()) == 1  # nobody had to pair again

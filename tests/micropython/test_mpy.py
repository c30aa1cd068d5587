"""What a user puts on a microcontroller: ``self-secure-mpy``'s parts, and the list of sources for ``mip``."""

import json
import os
from pathlib import Path

import pytest

from self_secure_device_board.bridge import Bridge
from self_secure_device_board.flash import ESP32
from self_secure_device_board.mpy import write
from self_secure_device_board.packing.source import PackError
from simulation.world import Plan, World

from .board import ADDRESS, Board
from .interpreter import DEVICE, library, start

BOARD = """
class Pin:
    IN, PULL_UP = 0, 1
    def __init__(self, number, mode, pull):
        pass
    def value(self):
        return 1
"""


def board_modules(folder: Path) -> None:
    """Add the modules of an ESP32 that MicroPython on a desktop lacks."""
    (folder / "machine.py").write_text(BOARD, encoding="utf-8")
    (folder / "esp32.py").write_text("def mcu_temperature():\n    return 42\n", encoding="utf-8")


async def test_the_program_of_the_board_runs(tmp_path: Path) -> None:
    flash = library(tmp_path)
    (flash / "self_secure_device").unlink()
    (flash / "self_secure_esp32").unlink()
    board_modules(flash)
    write(ESP32 / "main.py", flash)
    async with World(Plan(loss=0)) as world:
        bridge = Bridge(f"tcp-client:127.0.0.1:{world.devices[0].port.port}", ADDRESS)
        script = f"import os\nos.chdir({str(tmp_path)!r})\nimport bluetooth\nbluetooth.port = {await bridge.open()}\nimport main"
        device = Board(await start(flash, script, "-X", "heapsize=200k", **os.environ))
        try:
            await device.line(r"ready identity=\w{8} address=C0:11:22:33:44:55 state=0")
            device.command("quit")
            assert await device.end() == 0
        finally:
            await device.stop()
            await bridge.close()


def test_parts_have_an_order_and_a_loader(tmp_path: Path) -> None:
    sizes = write(ESP32 / "main.py", tmp_path / "built")
    assert list(sizes)[:2] == ["core0", "program0"]
    assert {path.stem for path in (tmp_path / "built").glob("*.mpy")} == set(sizes)
    assert (tmp_path / "built" / "main.py").read_text(encoding="utf-8").endswith("program0.main()\n")


def test_a_program_without_main_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("from self_secure_esp32.program import Program\nProgram(None).run()\n", encoding="utf-8")
    with pytest.raises(PackError, match="main has no main"):
        write(path, tmp_path / "built")


def test_mip_installs_every_source() -> None:
    listed = dict(json.loads((DEVICE / "package.json").read_text(encoding="utf-8"))["urls"])
    sources = {path for folder in ("self_secure_device", "esp32") for path in (DEVICE / folder).rglob("*.py") if path.name != "main.py"}
    assert {DEVICE / source for source in listed.values()} == sources
    assert {target.replace("self_secure_esp32/", "esp32/") for target in listed} == set(listed.values())

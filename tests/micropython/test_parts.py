"""The parts of the microcontroller's program that the live tests do not reach, on MicroPython, unpacked."""

from pathlib import Path

from .interpreter import library, run

CLOCK = """
import sys
class Time:
    now = (1 << 30) - 5  # `ticks_ms` of a 32-bit board wraps at 2**30
    def ticks_ms(self):
        return self.now % (1 << 30)
    def ticks_diff(self, end, start):
        return (end - start + (1 << 29)) % (1 << 30) - (1 << 29)
ticks = sys.modules["time"] = Time()
from self_secure_esp32.clock import Clock
clock = Clock()
for step in (3, 4, 1 << 28, 1 << 28, 1 << 28, 1 << 28):
    ticks.now += step
    print(clock.now())
"""
BUTTON = """
from self_secure_esp32.button import Button
class Pin:
    def value(self):
        return self.up
pin = Pin()
button = Button(pin)
for now, pin.up in {steps}:
    print(button.step(now))
"""
STORE = """
import os
from self_secure_esp32.store import FileStore
store = FileStore({path!r})
print(store.load())
store.save(b"one")
with open({path!r} + ".new", "wb") as file:
    file.write(b"half of a sna")  # a power cut
print(FileStore({path!r}).load())
store.save(b"two")
print(store.load(), os.listdir({folder!r}))
try:
    FileStore({folder!r} + "/none/state").save(b"three")
except OSError as error:
    print("refused")
"""
FLASH = """
import os
import vfs
from errno import EIO
from self_secure_esp32.store import FileStore
BLOCKS, BYTES = 64, 512
class Chip:
    data = bytearray(BLOCKS * BYTES)
    broken = False
    def readblocks(self, block, buffer, offset=0):
        if self.broken:
            return -EIO
        at = block * BYTES + offset
        buffer[:] = self.data[at : at + len(buffer)]
    def writeblocks(self, block, buffer, offset=0):
        at = block * BYTES + offset
        self.data[at : at + len(buffer)] = buffer
    def ioctl(self, op, arg):
        return {4: BLOCKS, 5: BYTES}.get(op, 0)
chip = Chip()
vfs.VfsLfs2.mkfs(chip)
def start():
    vfs.mount(vfs.VfsLfs2(chip), "/flash")
    return FileStore("/flash/state")
store = start()
print(store.load())
store.save(b"one")
before = bytes(chip.data)
chip.broken = True
try:
    print(store.load())
except OSError as error:
    print(error.errno == EIO)
chip.broken = False
vfs.umount("/flash")
print(before == chip.data, start().load())
"""
LINES = """
from self_secure_esp32.program import line
for event in (("code", "012345"), ("text", "a\\npaired\\x1b[2J"), ("bytes", b"\\x01\\xff"), ("verified", False), ("paired", None), ("carried", b"\\x0a\\x0b\\x0c\\x0d")):
    print(line(*event))
print(line("text", "a: b", 7))
print(line("readings", b"\\x02\\xca", 65535))
"""


async def test_the_clock_never_wraps(tmp_path: Path) -> None:
    times = [3, 7, *(7 + n * (1 << 28) for n in range(1, 5))]
    assert await run(library(tmp_path), CLOCK) == [str(time) for time in times]


async def test_a_press_counts_when_the_button_is_let_go(tmp_path: Path) -> None:
    steps = ((0, 1), (10, 0), (40, 0), (60, 1), (70, 1))
    assert await run(library(tmp_path), BUTTON.format(steps=steps)) == ["None", "None", "None", "press", "None"]


async def test_a_bounce_is_no_press(tmp_path: Path) -> None:
    assert await run(library(tmp_path), BUTTON.format(steps=((0, 0), (49, 1)))) == ["None", "None"]


async def test_ten_seconds_are_one_hold_and_no_press(tmp_path: Path) -> None:
    steps = ((0, 0), (9_999, 0), (10_000, 0), (20_000, 0), (20_001, 1))
    assert await run(library(tmp_path), BUTTON.format(steps=steps)) == ["None", "None", "hold", "None", "None"]


async def test_the_store_survives_a_power_cut(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    lines = await run(library(tmp_path), STORE.format(path=str(folder / "state"), folder=str(folder)))
    assert lines == ["None", "b'one'", "b'two' ['state']", "refused"]


async def test_a_flash_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    assert await run(library(tmp_path), FLASH) == ["None", "True", "True b'one'"]


async def test_a_text_cannot_look_like_another_line(tmp_path: Path) -> None:
    assert await run(library(tmp_path), LINES) == [
        "pairing code: 012345",
        "received text: a?paired?[2J",
        "received bytes: 01ff",
        "verified compared=no",
        "paired",
        "carried by relay=0a0b0c0d",
        "received text for group 7: a: b",
        "received readings for group 65535: 02ca",
    ]

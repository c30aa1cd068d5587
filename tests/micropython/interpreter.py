"""MicroPython with the device's sources as they are, on the folder layout of a microcontroller."""

import asyncio
from pathlib import Path
import sys

MICROPYTHON = str(Path(sys.executable).with_name("micropython"))
DEVICE = Path(__file__).parents[2] / "device"
PATIENCE = 25.0  # s for a script, on a loaded machine


def library(folder: Path) -> Path:
    """Lay the sources out as on a board's flash, with the stand-in for its firmware's modules; return the folder."""
    flash = folder / "flash"
    flash.mkdir()
    (flash / "self_secure_device").symlink_to(DEVICE / "self_secure_device")
    (flash / "self_secure_esp32").symlink_to(DEVICE / "esp32")
    for source in (*(DEVICE / "board" / "firmware").glob("*.py"), *(DEVICE / "board" / "boards").glob("*.py")):
        (flash / source.name).symlink_to(source)
    return flash


async def start(flash: Path, script: str, *options: str, **environment: str) -> asyncio.subprocess.Process:
    """Run a script with these modules."""
    pipe = asyncio.subprocess.PIPE
    code = f"import sys\nsys.path.insert(0, {str(flash)!r})\n{script}"
    return await asyncio.create_subprocess_exec(
        MICROPYTHON, *options, "-c", code, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=environment
    )


async def run(flash: Path, script: str) -> list[str]:
    """Run a script to its end and return the lines that it printed; a traceback is among them."""
    process = await start(flash, script)
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    return output.decode().splitlines()

"""The command ``self-secure-mpy``: packs and compiles a microcontroller's program, ready to be copied to the board.

The program is a ``main.py`` like ``esp32/main.py``, whose function ``main`` runs the device.
"""

import argparse
import ast
from pathlib import Path
import sys

from .flash import PROGRAM, compile_units, core, loaded, program
from .packing.source import Module, PackError

LOADER = """\
# Written by self-secure-mpy: loads one part after the other, so that what only loading needs is gone before the next.
import gc

{imports}

{last}.main()
"""


def write(main: Path, folder: Path) -> dict[str, int]:
    """Write the parts and the ``main.py`` that loads them; return the bytes of each part. PackError, OSError, SyntaxError."""
    folder.mkdir(parents=True, exist_ok=True)
    last = Module("main", PROGRAM, ast.parse(main.read_text(encoding="utf-8"), main.name))
    sizes = compile_units([*core(), *program(), last], last.name, folder)
    load = loaded(sizes)
    imports = "\n".join(f"import {name}\ngc.collect()" for name in load)
    (folder / "main.py").write_text(LOADER.format(imports=imports, last=load[-1]), encoding="utf-8")
    return sizes


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="self-secure-mpy", description=__doc__)
    parser.add_argument("main", type=Path, help="the program, such as device/esp32/main.py")
    parser.add_argument("folder", type=Path, help="what to copy to the board is written there")
    given = parser.parse_args()
    try:
        sizes = write(given.main, given.folder)
    except (PackError, OSError, SyntaxError) as error:
        sys.exit(f"error: {error}")
    for name, size in sizes.items():
        print(f"{size:6} bytes  {name}.mpy")


if __name__ == "__main__":
    main()

"""``python -m self_secure_device_board.host IMAGE HEAP MODULE…`` runs MicroPython in this process, with the image as its flash.

The image lies in this process's memory, outside MicroPython's heap: code runs from it in place, as from the flash of a
microcontroller, and only what lives (objects, dictionaries, the stack's buffers) is in the heap, which HEAP caps.
"""

import ctypes
import os
from pathlib import Path
import sys

import micropython_unix  # type: ignore[import-untyped]  # it has none

MOUNT = "import gc,sys,vfs,uctypes;vfs.mount(vfs.VfsRom(uctypes.bytearray_at({},{})),'/rom');sys.path[:]=['/rom']"


def run(image: bytes, heap: str, load: list[str]) -> int:
    """Load the image's modules in this order and call the last one's ``main``; ``heap`` is such as "64k". Return the exit status."""
    os.umask(0o077)  # what the program stores is its key
    flash = ctypes.create_string_buffer(image, len(image))
    boot = [MOUNT.format(ctypes.addressof(flash), len(image)), *(f"import {name};gc.collect()" for name in load), f"{load[-1]}.main()"]
    sys.argv[1:] = ["-X", f"heapsize={heap}", "-c", "\n".join(boot)]
    return int(micropython_unix.main() or 0)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]).read_bytes(), sys.argv[2], sys.argv[3:]))

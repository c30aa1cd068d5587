"""``python -m self_secure_device_board.host IMAGE HEAP`` runs MicroPython in this process, with the image as its flash.

The image lies in this process's memory, outside MicroPython's heap: code runs from it in place, as from the flash of a
microcontroller, and only what lives (objects, dictionaries, the stack's buffers) is in the heap, which HEAP caps.
"""

import ctypes
import os
from pathlib import Path
import sys

import micropython_unix  # type: ignore[import-untyped]  # it has none

BOOT = "import sys,vfs,uctypes;vfs.mount(vfs.VfsRom(uctypes.bytearray_at({},{})),'/rom');sys.path[:]=['/rom'];import start"


def run(image: bytes, heap: str) -> int:
    """Run ``start`` of the image under a heap such as "64k"; return the exit status."""
    os.umask(0o077)  # what the program stores is its key
    flash = ctypes.create_string_buffer(image, len(image))
    sys.argv[1:] = ["-X", f"heapsize={heap}", "-c", BOOT.format(ctypes.addressof(flash), len(image))]
    return int(micropython_unix.main() or 0)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]).read_bytes(), sys.argv[2]))

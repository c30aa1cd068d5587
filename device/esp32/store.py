"""The device's state in one file of the flash: the old snapshot or the new one survives a power cut, never a mixture."""

from errno import ENOENT
import os


class FileStore:
    """One snapshot. The firmware's littlefs renames over an existing file in one step, and writes through on ``flush``."""

    def __init__(self, path):
        self._path = path

    def load(self):
        """Return the last snapshot, None when there was never one; OSError when the flash cannot be read."""
        try:
            os.stat(self._path)
        except OSError as error:
            if error.errno != ENOENT:  # a flash that cannot be read now is no reason to begin with new keys
                raise
            return None
        with open(self._path, "rb") as file:
            return file.read()

    def save(self, data):
        """Write durably before returning; OSError when that failed."""
        scratch = self._path + ".new"
        with open(scratch, "wb") as file:
            file.write(data)
            file.flush()
        os.rename(scratch, self._path)

"""The device's state in one file: 0600, replaced atomically, on disk before ``save`` returns."""

import os
from pathlib import Path

PRIVATE = 0o600  # the store key opens the next epoch: nobody else may read it


class FileStore:
    """One snapshot in one file; without a path it lives in memory only (for tests and tries)."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._memory: bytes | None = None

    def load(self) -> bytes | None:
        """Return the last snapshot, None when there was never one; OSError when it cannot be read."""
        if self._path is None:
            return self._memory
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def save(self, data: bytes) -> None:
        """Write durably: the old snapshot or the new one survives a crash, never a mixture. OSError when it failed."""
        if self._path is None:
            self._memory = bytes(data)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_name(self._path.name + ".new")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._path)
        self._sync_folder(self._path.parent)

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

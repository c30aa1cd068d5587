"""A demo folder whose Home Assistant tells which keys it makes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, override

from demo.folder import Folder

from .leaks import check_no_leak

if TYPE_CHECKING:
    from demo.radio import Scanner

WITNESS = Path(__file__).parent / "key_witness"


class WatchedFolder(Folder):
    """As any demo folder, with the witness installed and its notes beside Home Assistant's own directory."""

    @property
    def witness(self) -> Path:
        """What the witness wrote."""
        return self.root / "witness"

    @override
    def prepare(self) -> None:
        Folder.prepare(self)
        os.environ["SELF_SECURE_WITNESS"] = str(self.witness)  # Home Assistant inherits it

    @override
    def configure(self, port: int, scanners: list[Scanner]) -> None:
        Folder.configure(self, port, scanners)
        path = self.home_assistant / "configuration.yaml"
        path.write_text(f"key_witness:\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        link = self.home_assistant / "custom_components" / WITNESS.name
        link.unlink(missing_ok=True)
        link.symlink_to(WITNESS, target_is_directory=True)

    def check(self) -> int:
        """Search Home Assistant's directory and all logs for every key so far; return how many."""
        return check_no_leak((self.home_assistant, self.logs), self.witness)

"""The demo's folder: Home Assistant's configuration, the devices' memories, logs, and how to sign in.

``.demo/`` in the repository (ignored by git) unless told otherwise; what is in it makes a second run go on with the same pairings.
"""

from dataclasses import dataclass
import json
from pathlib import Path
import secrets
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .radio import Scanner

REPOSITORY = Path(__file__).parent.parent

#: The custom integrations: what a user installs through HACS, and the one that puts the virtual scanners into Home Assistant.
INTEGRATIONS = {
    "self_secure": REPOSITORY / "custom_components" / "self_secure",
    "virtual_radio": REPOSITORY / "simulation" / "virtual_radio",
}

USER = "demo"

#: How the name of a file ends while Home Assistant writes it, beside the old one.
UNFINISHED = ".new"

#: Nothing here searches the network or leaves the machine; ``default_config`` would.
CONFIGURATION = """\
# Written by scripts/demo at every start.
homeassistant:
  name: Self-Secure demo
  country: CH
  currency: CHF
  language: en
  unit_system: metric
  time_zone: UTC
bluetooth:
config:
history:
logbook:
my:
logger:
  default: warning
  logs:
    haffmpeg: critical  # this machine may have no ffmpeg, and no camera needs it
    homeassistant.components.camera.img_util: critical
    custom_components.self_secure: debug
    custom_components.virtual_radio: debug
    simulation: debug
virtual_radio:
  scanners:
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths below one demo folder."""

    root: Path

    def stores(self, short_id: str = "") -> list[Path]:
        """Return the files in which Home Assistant keeps the keys of the devices whose id begins like this."""
        found = (self.home_assistant / ".storage").glob(f"self_secure.{short_id}*")
        return [path for path in found if path.name != "self_secure.hub" and path.suffix != UNFINISHED]

    @property
    def home_assistant(self) -> Path:
        """Home Assistant's configuration directory."""
        return self.root / "home_assistant"

    @property
    def logs(self) -> Path:
        """What each program printed, a file each."""
        return self.root / "logs"

    def state(self, device: str) -> Path:
        """The file that a device remembers its pairings in."""
        return self.root / "devices" / f"{device}.state"

    def home(self, number: int) -> Folder:
        """Return the folder of one of several homes, made where it is not there; the first one is this folder itself."""
        if number == 1:
            return self
        other = Folder(self.root / f"home_{number}")
        other.prepare()
        return other

    def prepare(self) -> None:
        """Make the folders and start with empty logs."""
        shutil.rmtree(self.logs, ignore_errors=True)
        for path in (self.logs, self.root / "devices", self.home_assistant / ".storage", self.home_assistant / "custom_components"):
            path.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self._link_integrations()

    def _link_integrations(self) -> None:
        custom = self.home_assistant / "custom_components"
        # an installed package may own the name; a package in the configuration directory comes first
        (custom / "__init__.py").touch()
        for name, source in INTEGRATIONS.items():
            (custom / name).unlink(missing_ok=True)
            (custom / name).symlink_to(source, target_is_directory=True)

    def password(self) -> str:
        """The demo user's password, made at the first call."""
        path = self.root / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(9), encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def configure(self, port: int, scanners: list[Scanner]) -> None:
        """Write what Home Assistant reads at its next start: it serves on this port, and hears through these scanners."""
        listed = "".join(f"    - {json.dumps(scanner.configuration())}\n" for scanner in scanners)
        (self.home_assistant / "configuration.yaml").write_text(CONFIGURATION + listed, encoding="utf-8")
        self._store("http", 2, 2, {"stable": http(port), "pending": None, "yaml_migration_done": True})
        if not (self.home_assistant / ".storage" / "onboarding").exists():
            # the step core_config would add entries (weather, radio, …) that ask the network
            self._store("onboarding", 4, 1, {"done": ["core_config", "analytics", "integration"]})

    def _store(self, key: str, version: int, minor: int, data: dict[str, Any]) -> None:
        text = json.dumps({"version": version, "minor_version": minor, "key": key, "data": data})
        (self.home_assistant / ".storage" / key).write_text(text, encoding="utf-8")


def http(port: int) -> dict[str, Any]:
    """Return Home Assistant's stored HTTP settings; in YAML they would only be a trial of five minutes."""
    return {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": False,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }

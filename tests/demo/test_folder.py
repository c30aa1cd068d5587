"""What the demo writes for Home Assistant, and what it keeps from one run to the next."""

import json
from pathlib import Path

from homeassistant.util.yaml import load_yaml_dict
import pytest

from demo.folder import Folder
from demo.radio import Scanner

SCANNERS = [Scanner("A0:5E:5C:00:01:01", 4000, "window"), Scanner("A0:5E:5C:00:01:02", 4001, "cellar: left")]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "demo")
    made.prepare()
    return made


def test_the_configuration_lists_the_scanners(folder: Folder) -> None:
    folder.configure(8123, SCANNERS)
    written = load_yaml_dict(str(folder.home_assistant / "configuration.yaml"))
    assert written["virtual_radio"]["scanners"] == [scanner.configuration() for scanner in SCANNERS]


def test_home_assistant_serves_this_machine_alone(folder: Folder) -> None:
    folder.configure(18123, SCANNERS)
    stored = json.loads((folder.home_assistant / ".storage" / "http").read_text())["data"]
    assert stored["stable"]["server_host"] == ["127.0.0.1"]
    assert stored["stable"]["server_port"] == 18123
    assert stored["pending"] is None


def test_a_second_run_keeps_user_and_onboarding(folder: Folder) -> None:
    folder.configure(1, SCANNERS)
    password = folder.password()
    onboarding = folder.home_assistant / ".storage" / "onboarding"
    onboarding.write_text("done")
    again = Folder(folder.root)
    again.prepare()
    again.configure(2, SCANNERS)
    assert (again.password(), onboarding.read_text()) == (password, "done")


def test_nobody_else_reads_the_password(folder: Folder) -> None:
    folder.password()
    assert (folder.root / "password").stat().st_mode & 0o077 == 0
    assert folder.root.stat().st_mode & 0o077 == 0


def test_the_integrations_are_those_of_the_repository(folder: Folder) -> None:
    custom = folder.home_assistant / "custom_components"
    assert (custom / "__init__.py").is_file()
    assert (custom / "virtual_radio" / "manifest.json").is_file()
    assert (custom / "self_secure").is_symlink()

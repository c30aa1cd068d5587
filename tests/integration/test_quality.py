"""The quality scale with its evidence, and the metadata as hassfest and the HACS action look at it."""

from importlib import import_module
import json
from pathlib import Path
import re
import tomllib
from typing import Any

from awesomeversion import AwesomeVersion
import homeassistant.components as core
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import validate_selector
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.coordinator import SelfSecureCoordinator
from custom_components.self_secure.diagnostic_sensor import FIGURES, KEY_CHANGED, MESSAGES
from custom_components.self_secure.event import MESSAGE, SECURITY
from custom_components.self_secure.group_entities import HOLDING, TEXT, VERSION
from custom_components.self_secure.security import SECURITY_TYPES

from .conftest import StartDevice, pair, state_of, until
from .metadata import ICONS, MANIFEST, PLATFORMS, ROOM, ROOT, TEXTS, leaves, placeholders, raised_texts, reference_exists

CORE = Path(core.__path__[0])
RULES = load_yaml_dict(str(ROOM / "quality_scale.yaml"))["rules"]
RULES_OF_CORE = load_yaml_dict(str(CORE / "besen" / "quality_scale.yaml"))["rules"]
SERVICES = load_yaml_dict(str(ROOM / "services.yaml"))
EXEMPT_MAX = 5
MANIFEST_KEYS = {
    "bluetooth",
    "codeowners",
    "config_flow",
    "dependencies",
    "documentation",
    "domain",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "loggers",
    "name",
    "requirements",
    "version",
}
TEXT_SECTIONS = {"title", "config", "entity", "exceptions", "issues", "options", "selector", "services", "system_health"}
PNG = b"\x89PNG\r\n\x1a\n"


# --- quality scale


def test_rules_are_those_of_core_in_their_order() -> None:
    assert list(RULES) == list(RULES_OF_CORE)
    assert len(RULES) == 54


def test_few_rules_are_exempt() -> None:
    assert len([rule for rule in RULES.values() if rule["status"] == "exempt"]) <= EXEMPT_MAX


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_has_its_reason(rule: str) -> None:
    assert RULES[rule]["status"] in ("done", "exempt")
    assert len(RULES[rule]["comment"]) > 10
    named = [part.strip() for part in re.findall(r"[\w./-]+\.(?:py|md|json|yaml)(?:, [^;:()]+)?", RULES[rule]["comment"])]
    assert [reference for reference in named if not reference_exists(reference)] == []


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule["status"] == "done"])
def test_what_is_done_names_a_test_or_a_section(rule: str) -> None:
    assert re.search(r"tests/[\w/]+\.py, test_\w+|\w+\.md, \w+", RULES[rule]["comment"])


# --- manifest, hacs.json, workflows, images


def test_manifest() -> None:
    assert set(MANIFEST) == MANIFEST_KEYS
    assert MANIFEST["codeowners"]
    assert all(re.fullmatch(r"@[A-Za-z0-9-]+(/[A-Za-z0-9-]+)?", owner) for owner in MANIFEST["codeowners"])
    assert all(re.fullmatch(r"https://[\w./-]+", MANIFEST[key]) for key in ("documentation", "issue_tracker"))
    assert (MANIFEST["integration_type"], MANIFEST["iot_class"], MANIFEST["config_flow"]) == ("device", "local_push", True)
    assert AwesomeVersion(MANIFEST["version"]).strategy == "SemVer"
    assert all((CORE / domain / "manifest.json").is_file() for domain in MANIFEST["dependencies"])


def test_hacs() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert set(hacs) == {"name", "homeassistant"}
    assert hacs["name"] == MANIFEST["name"]
    assert AwesomeVersion(hacs["homeassistant"]) >= AwesomeVersion("2026.10.0")
    assert (ROOT / "README.md").is_file()
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


@pytest.mark.parametrize("action", ["home-assistant/actions/hassfest@", "hacs/action@", "scripts/coverage", "scripts/check"])
def test_workflows_run_it(action: str) -> None:
    assert any(action in path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yaml"))


@pytest.mark.parametrize(("name", "height"), [("icon.png", 256), ("icon@2x.png", 512), ("logo.png", 256), ("logo@2x.png", 512)])
def test_brand_images(name: str, height: int) -> None:
    data = (ROOM / "brand" / name).read_bytes()
    width = int.from_bytes(data[16:20])
    assert (data[:8], int.from_bytes(data[20:24])) == (PNG, height)
    assert (width == height) is name.startswith("icon")


# --- texts


def test_text_sections_are_known() -> None:
    assert set(TEXTS) <= TEXT_SECTIONS


def test_texts_are_whole() -> None:
    assert [path for path, text in leaves(TEXTS) if text != text.strip() or not text or text.count("{") != text.count("}")] == []


@pytest.mark.parametrize(("key", "given"), sorted(dict(raised_texts()).items()))
def test_error_has_a_text_with_its_placeholders(key: str, given: set[str]) -> None:
    assert placeholders(TEXTS["exceptions"][key]["message"]) == given


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_whole(name: str) -> None:
    texts = TEXTS["services"][name]
    assert set(texts) == {"name", "description", "fields"}
    for field, described in SERVICES[name]["fields"].items():
        validate_selector(described["selector"])
        assert set(texts["fields"][field]) == {"name", "description"}
    assert re.fullmatch(r"mdi:[a-z0-9-]+", ICONS["services"][name]["service"])


async def test_services_take_the_fields_that_are_described(home: HomeAssistant) -> None:
    registered = home.services.async_services_for_domain(DOMAIN)
    assert set(registered) == set(SERVICES)
    for name, service in registered.items():
        fields = set(re.findall(r"'(\w+)'", repr(service.schema))) & {"device_id", "message", "data", "base64", "timeout"}
        assert fields == set(SERVICES[name]["fields"])


def test_entity_keys_are_named() -> None:
    for description in (*FIGURES, KEY_CHANGED, MESSAGES, HOLDING, VERSION):
        assert TEXTS["entity"]["sensor"][description.translation_key or ""]["name"]
        assert description.translation_key in ICONS["entity"]["sensor"]
    assert TEXTS["entity"]["notify"][TEXT.key]["name"]
    for event in (MESSAGE, SECURITY):
        states = TEXTS["entity"]["event"][event.key]["state_attributes"]["event_type"]["state"]
        assert set(states) == set(event.event_types or [])
    assert set(SECURITY.event_types or []) == set(SECURITY_TYPES)


def test_suites_are_named() -> None:
    assert set(TEXTS["entity"]["sensor"]["suite"]["state"]) == set(FIGURES[0].options or [])


def test_icons_are_icons() -> None:
    assert [path for path, icon in leaves(ICONS) if not re.fullmatch(r"mdi:[a-z0-9-]+", icon)] == []


# --- code


def test_types_are_strict() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["strict"] is True
    assert "custom_components" in (ROOT / "scripts" / "check").read_text()
    exempt = [one["module"] for one in settings["overrides"] if "custom_components" in str(one["module"])]
    assert exempt == []


async def test_a_device_lives_in_its_entry(home: HomeAssistant, start_device: StartDevice) -> None:
    entry = await pair(home, await start_device())
    coordinator = entry.runtime_data
    assert isinstance(coordinator, SelfSecureCoordinator)
    assert [key for key, value in home.data.items() if value is coordinator] == []
    assert await home.config_entries.async_unload(entry.entry_id)
    assert not hasattr(entry, "runtime_data")
    assert coordinator.client.ended


@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms_set_parallel_updates(platform: str) -> None:
    assert import_module(f"custom_components.self_secure.{platform}").PARALLEL_UPDATES == 0


async def test_actions_exist_without_an_entry(home: HomeAssistant) -> None:
    assert not home.config_entries.async_entries(DOMAIN)
    assert all(home.services.has_service(DOMAIN, name) for name in SERVICES)


async def test_entities_of_every_kind(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device("display")
    entry = await pair(home, device)
    await until(lambda: state_of(home, "notify.test_display_display"))
    await until(lambda: state_of(home, "sensor.test_display_battery"))
    found = er.async_entries_for_config_entry(er.async_get(home), entry.entry_id)
    assert {one.domain for one in found} == set(PLATFORMS)
    assert all(one.has_entity_name and one.unique_id.startswith(f"{device.identity}-") for one in found)
    ordinary = {one.entity_id for one in found if one.entity_category is None}
    assert ordinary == {"event.test_display_message", "notify.test_display_display"}
    assert {one.entity_id for one in found if one.entity_category is EntityCategory.CONFIG} == {"button.test_display_change_key"}


async def test_unloaded_entities_hear_nothing(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device("display")
    entry = await pair(home, device)
    coordinator: Any = entry.runtime_data
    assert coordinator.protocol_listeners
    assert await home.config_entries.async_unload(entry.entry_id)
    assert not coordinator.protocol_listeners | coordinator.message_listeners | coordinator.event_listeners

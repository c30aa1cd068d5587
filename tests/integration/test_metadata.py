"""Manifest, translations, icons and actions against each other and against the code."""

from collections.abc import Iterator
from importlib.metadata import metadata
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.components.bthome.binary_sensor import BINARY_SENSOR_DESCRIPTIONS
from homeassistant.components.bthome.sensor import SENSOR_DESCRIPTIONS
from homeassistant.util.yaml import load_yaml_dict
import pytest

import custom_components.self_secure as integration
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.descriptions import EVENT_TYPES, binary_sensor_description, event_description, sensor_description
from custom_components.self_secure.issues import _ADVICE, Issue, SharedIssue
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import Verdict
from custom_components.self_secure.transport.beacon import COMPANY, SERVICE_UUID

ROOM = Path(integration.__file__).parent
MANIFEST = json.loads((ROOM / "manifest.json").read_text())
TEXTS = json.loads((ROOM / "translations" / "en.json").read_text())
ICONS = json.loads((ROOM / "icons.json").read_text())
CODE = "\n".join(path.read_text() for path in ROOM.glob("*.py"))
FIXES = (ROOM / "repairs.py").read_text()


def leaves(texts: dict[str, Any]) -> Iterator[str]:
    for value in texts.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


def test_manifest_keys_are_in_order() -> None:
    keys = list(MANIFEST)
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])


def test_manifest_matches_the_beacon() -> None:
    assert MANIFEST["domain"] == DOMAIN
    assert MANIFEST["bluetooth"] == [{"connectable": True, "manufacturer_id": COMPANY, "service_uuid": SERVICE_UUID}]


def test_requirement_is_open() -> None:
    assert MANIFEST["requirements"] == ["bthome-ble"]
    assert metadata("bthome-ble")["License-Expression"] == "MIT"


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("suspicious", ["", "_suspicious"])
def test_each_cause_has_its_own_text(cause: Cause, suspicious: str) -> None:
    errors = TEXTS["config"]["error"]
    text = errors[cause.value + suspicious]
    others = {key: value for key, value in errors.items() if key.removesuffix("_suspicious") != cause.value}
    assert text not in others.values()
    assert ("Reset {name}" in text) is bool(suspicious or cause is Cause.DIFFERENT_CODE)


def test_verdicts_are_named() -> None:
    assert set(TEXTS["selector"]["verdict"]["options"]) == {verdict.value for verdict in Verdict}


def test_flow_steps_reasons_and_actions_are_the_codes_own() -> None:
    config = TEXTS["config"]
    flows = CODE.replace(FIXES, "")
    asked = set(re.findall(r'reason="(\w+)"', flows)) | {"already_configured"}
    asked |= {"reauth_successful", "reconfigure_successful", "several_paired", "none_paired"}
    assert asked == set(config["abort"])
    causes = {cause.value for cause in Cause} | {f"{cause.value}_suspicious" for cause in Cause}
    others = {"address_changed", "no_adapter", "no_slot", "not_answered", "not_connectable", "not_heard"}
    others |= {"nothing_chosen", "paired_meanwhile", "unexpected", "unsupported", "no_name", "too_many_groups"}
    others |= {"only_relay", "relay_alone", "relay_gone"}
    assert causes | others == set(config["error"])
    steps = {"bluetooth_confirm", "choose", "code", "devices", "failed", "group", "pair", "reauth_confirm", "reconfigure", "user"}
    steps |= {"code_relayed", "relay_confirm"}
    assert steps == set(config["step"])
    progress = {"connecting", "connecting_elsewhere", "collecting", "collecting_several", "scanning"}
    assert progress | {"connecting_relayed", "collecting_relayed"} == set(config["progress"])


@pytest.mark.parametrize("issue", Issue)
def test_each_issue_has_its_text(issue: Issue) -> None:
    texts = TEXTS["issues"][issue.value]
    fix = texts.get("fix_flow", {"step": {"confirm": texts}})["step"]["confirm"]
    assert "{name}" in texts["title"]
    assert "{name}" in fix["description"]
    assert ("fix_flow" in texts) is (issue not in _ADVICE)
    reasons = set(re.findall(r'reason="(\w+)"', FIXES))
    assert set(texts.get("fix_flow", {}).get("abort", [])) <= reasons
    assert set(texts.get("fix_flow", {}).get("error", [])) <= set(re.findall(r'"base": "(\w+)"', FIXES))


def test_issues_are_the_codes_own() -> None:
    assert set(TEXTS["issues"]) == {one.value for kind in (Issue, SharedIssue) for one in kind}
    assert [issue for issue in SharedIssue if set(TEXTS["issues"][issue.value]) != {"title", "description"}] == []


def test_exceptions_are_the_codes_own() -> None:
    used = set(re.findall(r'translation_domain=DOMAIN,\s+translation_key="(\w+)"', CODE))
    assert used == set(TEXTS["exceptions"])


def test_services_are_described_and_named() -> None:
    services = load_yaml_dict(str(ROOM / "services.yaml"))
    assert set(services) == set(TEXTS["services"]) == set(ICONS["services"])
    for name, service in services.items():
        assert set(service["fields"]) == set(TEXTS["services"][name]["fields"])


def test_texts_hold_no_link_no_markup_and_no_reference() -> None:
    bad = re.compile(r"https?:|<[a-z]|\[%")
    assert [text for text in leaves(TEXTS) if bad.search(text)] == []


@pytest.mark.parametrize(("key", "expected"), SENSOR_DESCRIPTIONS.items())
def test_sensors_look_as_in_core(key: tuple[Any, Any], expected: Any) -> None:
    bthome_class, unit = key
    ours = sensor_description("key", bthome_class.value, unit.value if unit else None)
    for field in ("device_class", "native_unit_of_measurement", "state_class", "entity_category"):
        assert getattr(ours, field) == getattr(expected, field), field
    named_by_class = ours.device_class is not None and ours.translation_key is None
    assert named_by_class or ours.translation_key in TEXTS["entity"]["sensor"]


@pytest.mark.parametrize(("bthome_class", "expected"), BINARY_SENSOR_DESCRIPTIONS.items())
def test_binary_sensors_look_as_in_core(bthome_class: Any, expected: Any) -> None:
    ours = binary_sensor_description("key", bthome_class.value)
    assert (ours.device_class, ours.translation_key) == (expected.device_class, expected.translation_key)


@pytest.mark.parametrize("kind", EVENT_TYPES)
@pytest.mark.parametrize("suffix", ["", "_2"])
def test_events_are_named(kind: str, suffix: str) -> None:
    description = event_description(kind + suffix)
    texts = TEXTS["entity"]["event"][description.translation_key or ""]
    assert set(texts["state_attributes"]["event_type"]["state"]) == set(description.event_types or [])


def test_each_named_entity_has_an_icon_of_its_own_or_of_its_class() -> None:
    by_class = {"event": {"button", "button_numbered"}}
    named = {platform: set(entities) - by_class.get(platform, set()) for platform, entities in TEXTS["entity"].items()}
    assert {platform: set(entities) for platform, entities in ICONS["entity"].items()} == named


def test_brand_icon_is_a_png_of_its_size() -> None:
    data = (ROOM / "brand" / "icon.png").read_bytes()
    assert (data[:8], int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (b"\x89PNG\r\n\x1a\n", 256, 256)

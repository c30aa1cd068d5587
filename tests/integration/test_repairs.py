"""Issues: when each is raised, how it is repaired, and when it goes away."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]  # the plugin tells no types

from custom_components.self_secure import lifecycle, radio
from custom_components.self_secure.care import CHECKS_WITHOUT_KEY, CHECKS_WITHOUT_PATH, Care
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.issues import _ADVICE, Issue, async_raise, issue_id
from custom_components.self_secure.protocol import limits
from custom_components.self_secure.repairs import async_create_fix_flow
from self_secure_device_linux.radio import Radio
from simulation.world import World

from .conftest import (
    SimulatedDevice,
    StartDevice,
    change_scanners,
    confirm,
    pair,
    press,
    security_events,
    state_of,
    until,
    until_step,
    use_a_copy,
)

BY_A_NEW_KEY = [issue for issue in Issue if issue not in (*_ADVICE, Issue.NO_PATH, Issue.KEY_NOT_ERASED)]


@pytest.fixture
async def thermometer(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    device = await start_device()
    await pair(home, device)
    await until(lambda: state_of(home, "sensor.test_thermometer_temperature"))
    return device


def entry_of(hass: HomeAssistant) -> ConfigEntry[Any]:
    return hass.config_entries.async_entries(DOMAIN)[0]


def shown(hass: HomeAssistant) -> set[Issue]:
    """Return what the user is asked to repair."""
    entry_id = entry_of(hass).entry_id
    registry = ir.async_get(hass)
    return {issue for issue in Issue if registry.async_get_issue(DOMAIN, issue_id(issue, entry_id))}


def care_of(hass: HomeAssistant) -> Care:
    """Return what watches the device now."""
    listeners = entry_of(hass).runtime_data.protocol_listeners
    owners = [getattr(one, "__self__", None) for one in listeners]
    return next(owner for owner in owners if isinstance(owner, Care))


async def test_nothing_to_repair(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    care_of(home).check()
    assert shown(home) == set()


@pytest.fixture
def brief_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a resume again sooner than for users."""
    monkeypatch.setattr(limits, "RESUME_REST_FIRST", 0.1)
    monkeypatch.setattr(limits, "RESUME_TIMEOUT", 0.5)


async def test_three_resumes_without_an_answer(
    home: HomeAssistant, thermometer: SimulatedDevice, monkeypatch: pytest.MonkeyPatch, brief_rests: None
) -> None:
    async def hang(_radio: Radio) -> None:
        """Say nothing, as a device whose program hangs."""

    told = security_events(home)
    with monkeypatch.context() as hanging:
        hanging.setattr(Radio, "_send", hang)
        entry_of(home).runtime_data.async_rotate()
        await until(lambda: shown(home))
    assert shown(home) == {Issue.RESUME_UNANSWERED}
    assert told[:3] == ["resume_failed"] * 3
    state = home.states.get("event.test_thermometer_security")
    assert state
    assert {key: state.attributes[key] for key in ("event_type", "reason")} == {"event_type": "resume_failed", "reason": "unanswered"}
    await until(lambda: thermometer.told("resumed"))
    await until(lambda: shown(home) == set())


async def test_backup_from_before_the_last_epoch(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, brief_rests: None
) -> None:
    """The restored key is one that the device has replaced: three contacts later the user is told, and nothing is erased."""
    file, entry = f"{DOMAIN}.{thermometer.identity}", entry_of(home)
    backup = deepcopy(hass_storage[file])
    for _ in range(2):
        assert await home.config_entries.async_reload(entry.entry_id)
        thermometer.events.clear()
        await until(lambda: thermometer.told("resumed"))
        await until(lambda: entry.runtime_data.connection.epoch is not None)
    assert await home.config_entries.async_unload(entry.entry_id)
    hass_storage[file] = backup
    told = security_events(home)
    assert await home.config_entries.async_setup(entry.entry_id)
    await until(lambda: shown(home))
    assert shown(home) == {Issue.NO_COMMON_KEY}
    assert told[:3] == ["resume_failed"] * 3
    assert len(thermometer.told("resume_refused")) >= 3
    assert hass_storage[file]["data"]["pairings"]
    await press(thermometer)
    assert await fix(home, thermometer, Issue.NO_COMMON_KEY) == "reauth_successful"
    assert shown(home) == set()


async def test_copied_key_shows_until_there_is_a_new_one(home: HomeAssistant, world: World, start_device: StartDevice) -> None:
    display = await start_device("display")
    entry = await pair(home, display)
    told = security_events(home)
    await use_a_copy(home, world, start_device, display)
    assert shown(home) == {Issue.CLONE_SUSPECTED}
    assert "possible_clone" in told
    assert display.told("possible_clone")
    assert await home.config_entries.async_reload(entry.entry_id)
    assert shown(home) == {Issue.CLONE_SUSPECTED}
    await press(display)
    assert await fix(home, display, Issue.CLONE_SUSPECTED) == "reauth_successful"
    assert shown(home) == set()


async def test_pressed_button_is_told_and_repaired(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    await until(lambda: not entry_of(home).runtime_data.client.contact.is_open)
    thermometer.program.pair()
    thermometer.program.measure()
    await until(lambda: shown(home) == {Issue.NEW_KEY_REQUESTED})
    assert await fix(home, thermometer, Issue.NEW_KEY_REQUESTED) == "reauth_successful"
    assert shown(home) == set()


async def test_reset_is_told_and_repaired(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    await until(lambda: entry_of(home).runtime_data.connection.pairings[0].committed)
    await thermometer.program.reset()
    await until(lambda: care_of(home)._says_reset())
    for _ in range(CHECKS_WITHOUT_KEY):
        assert Issue.DEVICE_RESET not in shown(home)
        care_of(home).check()
    assert Issue.DEVICE_RESET in shown(home)
    assert await fix(home, thermometer, Issue.DEVICE_RESET) == "reauth_successful"
    assert shown(home) == set()


async def begin_fix(hass: HomeAssistant, issue: Issue, **told: str) -> Any:
    """Open a repair as a user does, read its text and confirm it."""
    assert await async_setup_component(hass, REPAIRS, {})
    entry, manager = entry_of(hass), hass.data[REPAIRS]["flow_manager"]
    asked = await manager.async_init(DOMAIN, context={"issue_id": issue_id(issue, entry.entry_id)})
    assert (asked["type"], asked["step_id"]) == ("form", "confirm")
    assert asked["description_placeholders"] == {"name": entry.title, **told}
    return await manager.async_configure(asked["flow_id"], {})


async def fix(hass: HomeAssistant, device: SimulatedDevice, issue: Issue) -> str | None:
    """Repair as a user: confirm, confirm the dialog that follows, compare the codes."""
    flow_id = (await begin_fix(hass, issue))["next_flow"][1]
    shown_code = await until_step(hass, await hass.config_entries.flow.async_configure(flow_id, {}))
    assert device.told("code")[-1] == (shown_code["description_placeholders"] or {})["code"]
    result = await hass.config_entries.flow.async_configure(flow_id, {"verdict": "same"})
    return str(result["reason"])


async def test_repair_that_is_not_finished_stays(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    """A second repair goes on with the dialog that the first one has opened; who closes that one is asked again."""
    entry = entry_of(home)
    for issue in BY_A_NEW_KEY:
        async_raise(home, entry, issue)
        first, second = await begin_fix(home, issue), await begin_fix(home, issue)
        assert (first["type"], first["reason"], first["next_flow"]) == ("abort", "pair_again", second["next_flow"])
        assert [one["flow_id"] for one in entry.async_get_active_flows(home, {"reauth"})] == [first["next_flow"][1]]
        home.config_entries.flow.async_abort(first["next_flow"][1])
    assert shown(home) == set(BY_A_NEW_KEY)


async def test_new_key_repairs_an_entry_that_was_not_loaded(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    entry = entry_of(home)
    for issue in (Issue.CLONE_SUSPECTED, Issue.NEW_KEY_REQUESTED, Issue.DEVICE_RESET):
        async_raise(home, entry, issue)
    assert await home.config_entries.async_unload(entry.entry_id)
    await press(thermometer)
    assert await fix(home, thermometer, Issue.CLONE_SUSPECTED) == "reauth_successful"
    assert shown(home) == set()


async def test_repair_of_a_removed_device(home: HomeAssistant) -> None:
    assert await async_setup_component(home, REPAIRS, {})
    for issue in (*BY_A_NEW_KEY, Issue.NO_PATH):
        async_raise(home, MockConfigEntry(entry_id="gone", title="Gone"), issue)
        done = await home.data[REPAIRS]["flow_manager"].async_init(DOMAIN, context={"issue_id": issue_id(issue, "gone")})
        assert (done["type"], done["reason"]) == ("abort", "entry_removed")


async def test_key_that_cannot_be_erased_is_told_and_erased_later(
    home: HomeAssistant, thermometer: SimulatedDevice, tmp_path: Path
) -> None:
    assert await async_setup_component(home, REPAIRS, {})
    home.config.config_dir = str(tmp_path)
    stubborn = tmp_path / ".storage" / f"{DOMAIN}.{thermometer.identity}.corrupt.1"
    stubborn.mkdir(parents=True)
    entry, registry = entry_of(home), ir.async_get(home)
    known, manager = issue_id(Issue.KEY_NOT_ERASED, entry.entry_id), home.data[REPAIRS]["flow_manager"]
    await home.config_entries.async_remove(entry.entry_id)
    assert registry.async_get_issue(DOMAIN, known)
    asked = await manager.async_init(DOMAIN, context={"issue_id": known})
    assert asked["description_placeholders"] == {"name": "Test thermometer", "file": f"{DOMAIN}.{thermometer.identity}"}
    still = await manager.async_configure(asked["flow_id"], {})
    assert (still["step_id"], still["errors"]) == ("confirm", {"base": "not_erased"})
    stubborn.rmdir()
    assert (await manager.async_configure(asked["flow_id"], {}))["type"] == "create_entry"
    assert registry.async_get_issue(DOMAIN, known) is None


async def test_key_that_could_not_be_erased_is_none_any_more_when_the_device_is_paired_anew(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, tmp_path: Path
) -> None:
    """The file with the old key is that of the new one then; a repair that was opened before must not erase it."""
    assert await async_setup_component(home, REPAIRS, {})
    home.config.config_dir, file = str(tmp_path), f"{DOMAIN}.{thermometer.identity}"
    stubborn = tmp_path / ".storage" / f"{file}.corrupt.1"
    stubborn.mkdir(parents=True)
    known, manager = issue_id(Issue.KEY_NOT_ERASED, entry_of(home).entry_id), home.data[REPAIRS]["flow_manager"]
    await home.config_entries.async_remove(entry_of(home).entry_id)
    asked = [await manager.async_init(DOMAIN, context={"issue_id": known}) for _ in range(2)]
    stubborn.rmdir()
    shown_code = await confirm(home, thermometer)
    assert (await manager.async_configure(asked[0]["flow_id"], {}))["type"] == "create_entry"  # in the middle of the pairing
    done = await home.config_entries.flow.async_configure(shown_code["flow_id"], {"verdict": "same"})
    assert done["type"] == "create_entry", done
    assert ir.async_get(home).async_get_issue(DOMAIN, known) is None
    assert (await manager.async_configure(asked[1]["flow_id"], {}))["type"] == "create_entry"
    assert hass_storage[file]["data"]["pairings"]


async def test_repair_without_an_entry(home: HomeAssistant) -> None:
    with pytest.raises(ValueError, match="no entry"):
        await async_create_fix_flow(home, "key_lost_gone", None)


@pytest.mark.parametrize(
    ("change", "issue"),
    [({"data": {}}, Issue.KEY_LOST), ({"data": {"version": 2}}, Issue.NEWER_VERSION), ({"version": 2}, Issue.NEWER_VERSION)],
)
async def test_key_that_cannot_be_used(
    home: HomeAssistant, hass_storage: dict[str, Any], thermometer: SimulatedDevice, change: dict[str, Any], issue: Issue
) -> None:
    entry, file = entry_of(home), f"{DOMAIN}.{thermometer.identity}"
    assert await home.config_entries.async_unload(entry.entry_id)
    good = dict(hass_storage[file])
    hass_storage[file] = good | change
    assert not await home.config_entries.async_setup(entry.entry_id)
    assert shown(home) == {issue}
    hass_storage[file] = good
    assert await home.config_entries.async_reload(entry.entry_id)
    assert shown(home) == set()


async def test_no_path_for_long(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    await until(lambda: not entry_of(home).runtime_data.client.contact.is_open)
    care = care_of(home)
    await change_scanners(home, connectable=False)
    await until(lambda: radio.is_present(home, thermometer.program.address))
    for _ in range(CHECKS_WITHOUT_PATH):
        assert shown(home) == set()
        care.check()
    assert shown(home) == {Issue.NO_PATH}
    still = await begin_fix(home, Issue.NO_PATH, reason=radio.why_unreachable(home, thermometer.program.address))
    assert (still["step_id"], still["errors"]) == ("confirm", {"base": "still_no_path"})
    await change_scanners(home, connectable=True)
    await until(lambda: radio.can_connect(home, thermometer.program.address))
    done = await home.data[REPAIRS]["flow_manager"].async_configure(still["flow_id"], {})
    assert done["type"] == "create_entry"
    assert shown(home) == set()


async def test_no_path_that_is_there_again(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    async_raise(home, entry_of(home), Issue.NO_PATH)
    care_of(home).check()
    assert shown(home) == set()


async def test_method_that_is_not_accepted_any_more(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device(suites=(0x01,))
    flow_id = await until(lambda: next(iter(home.config_entries.flow.async_progress_by_handler(DOMAIN)), None))
    begun = await home.config_entries.flow.async_configure(flow_id["flow_id"], {"security": {"method": "loss"}})
    assert (await until_step(home, begun))["type"] == "create_entry"
    entry = entry_of(home)
    assert entry.unique_id == device.identity
    assert shown(home) == set()
    home.config_entries.async_update_entry(entry, options={})
    assert await home.config_entries.async_reload(entry.entry_id)
    assert shown(home) == {Issue.SUITE_BELOW_FLOOR}
    home.data[HUB].options = {**home.data[HUB].options, "floor": 0x01}
    assert await home.config_entries.async_reload(entry.entry_id)
    assert shown(home) == set()


async def test_removal_takes_the_issues_along(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    entry = entry_of(home)
    for issue in (Issue.CLONE_SUSPECTED, Issue.NEW_KEY_REQUESTED):
        async_raise(home, entry, issue)
    await home.config_entries.async_remove(entry.entry_id)
    registry = ir.async_get(home)
    assert [one for one in registry.issues.values() if one.domain == DOMAIN] == []


async def test_entry_of_a_newer_version_is_refused(home: HomeAssistant, thermometer: SimulatedDevice) -> None:
    entry = entry_of(home)
    assert await home.config_entries.async_unload(entry.entry_id)
    home.config_entries.async_update_entry(entry, version=2)
    assert not await home.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert await lifecycle.async_setup(home)
    assert shown(home) == {Issue.NEWER_VERSION}

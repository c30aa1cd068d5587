"""Groups in Home Assistant: made and changed in dialogs, told by an action and an entity, with a report of each member."""

import asyncio
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, UnsupportedStorageVersionError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import probatio
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.diagnostics import async_get_config_entry_diagnostics
from custom_components.self_secure.group_coordinator import GroupCoordinator
from custom_components.self_secure.groups import group_entries, is_group
from custom_components.self_secure.protocol.limits import BODY_MAX, GROUPS_PER_DEVICE, U32_MAX
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport.client import StorageError

from .conftest import SimulatedDevice, StartDevice, device_id, pair, state_of, until
from .test_pairing_again import begin_reauth, compare

NAME = "Displays"
TEXT = "notify.displays_text_to_all"
HOLDING = "sensor.displays_devices_with_the_present_key"


@pytest.fixture
async def display(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired display."""
    device = await start_device("display", name="Display 0")
    await pair(home, device)
    return device


@pytest.fixture
async def displays(home: HomeAssistant, start_device: StartDevice) -> list[SimulatedDevice]:
    """Two paired displays."""
    devices = [await start_device("display", number=number, name=f"Display {number}") for number in range(2)]
    for device in devices:
        await pair(home, device)
    return devices


async def dialog(hass: HomeAssistant) -> dict[str, Any]:
    """Press "Add device" and choose to make a group."""
    menu: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert (menu["type"], menu["menu_options"]) == ("menu", ["devices", "group"])
    form: Any = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "group"})
    assert (form["type"], form["step_id"]) == ("form", "group")
    return dict(form)


async def make(hass: HomeAssistant, *devices: SimulatedDevice, name: str = NAME) -> ConfigEntry[GroupCoordinator]:
    """Make a group of paired devices."""
    form = await dialog(hass)
    given = {"name": name, "members": [device.identity for device in devices]}
    done: Any = await hass.config_entries.flow.async_configure(form["flow_id"], given)
    assert done["type"] == "create_entry", done
    await hass.async_block_till_done()
    entry: ConfigEntry[GroupCoordinator] = done["result"]
    return entry


def group_id(hass: HomeAssistant, entry: ConfigEntry[Any]) -> str:
    """Return what Home Assistant calls the group's device."""
    return dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)[0].id


async def tell(hass: HomeAssistant, entry: ConfigEntry[Any], message: str, **data: Any) -> dict[str, dict[str, Any]]:
    """Call the action; return the members' parts of its response."""
    given = {"device_id": group_id(hass, entry), "message": message, **data}
    response: Any = await hass.services.async_call(DOMAIN, "send_group_message", given, blocking=True, return_response=True)
    assert set(response) == {group_id(hass, entry)}
    return dict(response[group_id(hass, entry)])


async def choose(hass: HomeAssistant, entry: ConfigEntry[Any], *devices: SimulatedDevice) -> Any:
    """Change the members."""
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert (form["type"], form["step_id"]) == ("form", "members")
    return await hass.config_entries.options.async_configure(form["flow_id"], {"members": [device.identity for device in devices]})


def version(entry: ConfigEntry[GroupCoordinator]) -> int:
    return entry.runtime_data.group.version


async def go_away(hass: HomeAssistant, device: SimulatedDevice) -> None:
    """Switch a device off while no link to it is open."""
    entry: Any = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, device.identity)
    await until(lambda: not entry.runtime_data.client.contact.is_open)
    await device.program.stop()


# --- dialogs


async def test_nothing_to_choose_without_a_paired_device(home: HomeAssistant) -> None:
    begun = await home.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert begun["type"] != "menu"


async def test_a_group_is_an_entry_with_a_device_and_entities(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    assert (entry.title, entry.state, dict(entry.options)) == (NAME, ConfigEntryState.LOADED, {"members": [display.identity]})
    assert entry.unique_id == f"group-{entry.data['gid']:04x}"
    assert is_group(entry)
    (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
    assert (device.entry_type, device.model, device.name) == (dr.DeviceEntryType.SERVICE, "Group", NAME)
    entities = {one.entity_id: one.disabled for one in er.async_entries_for_config_entry(er.async_get(home), entry.entry_id)}
    assert entities == {TEXT: False, HOLDING: False, "sensor.displays_key_version": True}
    assert state_of(home, HOLDING) == "0"


async def test_what_is_missing_is_asked_for_again(home: HomeAssistant, display: SimulatedDevice) -> None:
    form = await dialog(home)
    no_name, no_member = {"name": "no_name"}, {"members": "nothing_chosen"}
    for name, chosen, errors in (("", 1, no_name), (" ", 1, no_name), (NAME, 0, no_member), ("", 0, no_name | no_member)):
        given = {"name": name, "members": [display.identity][:chosen]}
        shown: Any = await home.config_entries.flow.async_configure(form["flow_id"], given)
        assert (shown["step_id"], shown["errors"]) == ("group", errors)
    assert list(group_entries(home)) == []


async def test_a_device_is_in_four_groups_at_most(home: HomeAssistant, display: SimulatedDevice) -> None:
    groups = [await make(home, display, name=f"Group {number}") for number in range(GROUPS_PER_DEVICE)]
    form = await dialog(home)
    shown: Any = await home.config_entries.flow.async_configure(form["flow_id"], {"name": NAME, "members": [display.identity]})
    assert shown["errors"] == {"members": "too_many_groups"}
    assert shown["description_placeholders"] == {"full": "Display 0", "limit": "4"}
    assert (await choose(home, groups[0], display))["type"] == "create_entry"  # its own place counts once
    assert len({group.data["gid"] for group in groups}) == GROUPS_PER_DEVICE


async def test_a_device_joins_no_fifth_group_later(home: HomeAssistant, displays: list[SimulatedDevice]) -> None:
    for number in range(GROUPS_PER_DEVICE):
        await make(home, displays[0], name=f"Group {number}")
    other = await make(home, displays[1])
    shown = await choose(home, other, *displays)
    assert (shown["step_id"], shown["errors"]) == ("members", {"members": "too_many_groups"})
    assert shown["description_placeholders"] == {"full": "Display 0", "limit": "4"}
    assert other.options == {"members": [displays[1].identity]}


async def test_a_group_has_no_pairing_to_renew(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    context: Any = {"source": "reconfigure", "entry_id": entry.entry_id}
    aborted = await home.config_entries.flow.async_init(DOMAIN, context=context)
    assert (aborted["type"], aborted["reason"]) == ("abort", "group_has_no_pairing")


# --- messages


async def test_every_member_gets_it_once_and_says_so(home: HomeAssistant, displays: list[SimulatedDevice]) -> None:
    entry = await make(home, *displays)
    for text in ("first", "second"):
        report = await tell(home, entry, text)
        assert set(report) == {device_id(home, one) for one in displays}
        assert all(part["delivered"] and not part["missed"] and part["seconds"] > 0 for part in report.values())
    assert [one.told("text") for one in displays] == [["first", "second"]] * 2
    assert version(entry) == 1
    assert state_of(home, HOLDING) == "2"


async def test_without_a_response_it_only_waits(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    given = {"device_id": [group_id(home, entry)], "message": "x"}
    await home.services.async_call(DOMAIN, "send_group_message", given, blocking=True)
    assert display.told("text") == ["x"]


async def test_the_notify_entity(home: HomeAssistant, display: SimulatedDevice) -> None:
    await make(home, display)
    await home.services.async_call("notify", "send_message", {"entity_id": TEXT, "message": "dinner"}, blocking=True)
    await until(lambda: display.told("text") == ["dinner"])


async def test_commands_are_refused_by_design(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    for data in ({"data": "01ff"}, {"base64": "Af8="}, {"data": "01", "message": "x"}):
        with pytest.raises(ServiceValidationError) as caught:
            await home.services.async_call(DOMAIN, "send_group_message", {"device_id": group_id(home, entry), **data}, blocking=True)
        assert caught.value.translation_key == "group_takes_no_commands"
    assert version(entry) == 0


async def test_a_message_is_a_text(home: HomeAssistant) -> None:
    with pytest.raises(probatio.Invalid):
        await home.services.async_call(DOMAIN, "send_group_message", {"device_id": "whatever"}, blocking=True)


async def test_each_action_names_the_other_one(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    wrong = {"send_message": (group_id(home, entry), "not_a_device"), "send_group_message": (device_id(home, display), "not_a_group")}
    for action, (target, key) in wrong.items():
        with pytest.raises(ServiceValidationError) as caught:
            await home.services.async_call(DOMAIN, action, {"device_id": target, "message": "x"}, blocking=True)
        assert caught.value.translation_key == key
    assert display.told("text") == []


async def test_a_text_that_is_too_long(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    assert all(part["delivered"] for part in (await tell(home, entry, "x" * BODY_MAX)).values())
    with pytest.raises(ServiceValidationError) as caught:
        await tell(home, entry, "x" * (BODY_MAX + 1))
    assert caught.value.translation_placeholders == {"limit": str(BODY_MAX)}


async def test_a_group_without_members(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    home.config_entries.async_update_entry(entry, options={"members": []})
    with pytest.raises(ServiceValidationError) as caught:
        await tell(home, entry, "x")
    assert caught.value.translation_key == "group_empty"


async def test_who_is_away_gets_it_later_and_once(home: HomeAssistant, displays: list[SimulatedDevice], start_device: StartDevice) -> None:
    entry = await make(home, *displays)
    await tell(home, entry, "before")
    await go_away(home, displays[1])
    report = await tell(home, entry, "meanwhile", timeout=2)
    here, away = (report[device_id(home, one)] for one in displays)
    assert (here["delivered"], away["delivered"], away["missed"]) == (True, False, False)
    given = {"device_id": group_id(home, entry), "message": "again", "timeout": 1}
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call(DOMAIN, "send_group_message", given, blocking=True)
    assert (caught.value.translation_key, caught.value.translation_placeholders) == ("group_late", {"name": NAME, "members": "Display 1"})
    again = await start_device("display", number=1, name="Display 1")
    await until(lambda: again.told("text") == ["meanwhile", "again"])
    await until(lambda: entry.runtime_data.waiting == 0)
    assert displays[0].told("text") == ["before", "meanwhile", "again"]


async def test_a_member_that_restarts_gets_its_key_again(home: HomeAssistant, display: SimulatedDevice, start_device: StartDevice) -> None:
    entry = await make(home, display)
    await tell(home, entry, "before")
    await go_away(home, display)
    again = await start_device("display", name="Display 0")
    await until(lambda: again.told("resumed"))
    report = await tell(home, entry, "after")
    assert all(part["delivered"] for part in report.values())
    assert (again.told("text"), version(entry)) == (["after"], 1)


async def test_a_member_that_is_not_loaded_misses_it(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    member = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, display.identity)
    assert member is not None
    assert await home.config_entries.async_unload(member.entry_id)
    report = await tell(home, entry, "x")
    assert [part["missed"] for part in report.values()] == [True]
    with pytest.raises(HomeAssistantError) as caught:
        await home.services.async_call(DOMAIN, "send_group_message", {"device_id": group_id(home, entry), "message": "y"}, blocking=True)
    assert (caught.value.translation_key, caught.value.translation_placeholders) == ("group_missed", {"name": NAME, "members": "Display 0"})


async def test_a_member_that_is_unloaded_meanwhile_misses_it(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    await go_away(home, display)
    report = await tell(home, entry, "x", timeout=1)
    assert report[device_id(home, display)]["missed"] is False
    member = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, display.identity)
    assert member is not None
    assert await home.config_entries.async_unload(member.entry_id)
    assert entry.runtime_data.waiting == 0


# --- versions


async def test_a_restart_of_the_group_begins_a_new_version_with_the_next_message(
    home: HomeAssistant, hass_storage: dict[str, Any], display: SimulatedDevice
) -> None:
    entry = await make(home, display)
    await tell(home, entry, "before")
    assert hass_storage[f"{DOMAIN}.group.{entry.data['gid']:04x}"]["data"] == {"key_version": 1}
    assert await home.config_entries.async_reload(entry.entry_id)
    assert (version(entry), entry.runtime_data.group.present) == (1, None)
    assert state_of(home, HOLDING) == "0"
    await tell(home, entry, "after")
    assert version(entry) == 2
    assert display.told("text") == ["before", "after"]


async def test_who_leaves_and_who_joins(home: HomeAssistant, displays: list[SimulatedDevice]) -> None:
    entry = await make(home, displays[0])
    await tell(home, entry, "for the first")
    assert (await choose(home, entry, *displays))["type"] == "create_entry"
    await until(lambda: entry.state is ConfigEntryState.LOADED and len(entry.runtime_data.members) == 2)
    await tell(home, entry, "for both")
    assert (await choose(home, entry, displays[1]))["type"] == "create_entry"
    await until(lambda: entry.state is ConfigEntryState.LOADED and len(entry.runtime_data.members) == 1)
    await tell(home, entry, "for the second")
    assert displays[0].told("text") == ["for the first", "for both"]
    assert displays[1].told("text") == ["for both", "for the second"]
    assert version(entry) == 3


async def test_what_waits_for_who_leaves_is_given_up(
    home: HomeAssistant, displays: list[SimulatedDevice], start_device: StartDevice
) -> None:
    entry = await make(home, *displays)
    await go_away(home, displays[1])
    await tell(home, entry, "not for long", timeout=1)
    await choose(home, entry, displays[0])
    member: Any = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, displays[1].identity)
    await until(lambda: not member.runtime_data.connection.wants_link)
    again = await start_device("display", number=1, name="Display 1")
    await home.services.async_call(DOMAIN, "send_message", {"device_id": device_id(home, again), "message": "still paired"}, blocking=True)
    assert again.told("text") == ["still paired"]


async def test_no_group_without_a_device_to_choose(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    shown = await choose(home, entry)
    assert shown["errors"] == {"members": "nothing_chosen"}


async def test_a_removed_device_leaves_its_groups(home: HomeAssistant, displays: list[SimulatedDevice]) -> None:
    entry = await make(home, *displays)
    await tell(home, entry, "x")
    member = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, displays[1].identity)
    assert member is not None
    await home.config_entries.async_remove(member.entry_id)
    await until(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data.members == (displays[0].identity,))
    assert set(await tell(home, entry, "y")) == {device_id(home, displays[0])}
    assert version(entry) == 2
    assert displays[1].told("text") == ["x"]


async def test_a_member_that_is_paired_anew_needs_a_new_version(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    await tell(home, entry, "x")
    member: Any = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, display.identity)
    display.program.pair()
    await compare(home, display, await begin_reauth(home, member))
    assert all(part["delivered"] for part in (await tell(home, entry, "y")).values())
    assert (display.told("text"), version(entry)) == (["x", "y"], 2)


async def test_a_version_that_cannot_be_stored_sends_nothing(
    home: HomeAssistant, display: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await make(home, display)

    async def full(_self: DurableStore, _data: dict[str, Any]) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(DurableStore, "async_save", full)
    with pytest.raises(HomeAssistantError) as caught:
        await tell(home, entry, "x")
    assert caught.value.translation_key == "group_not_stored"
    monkeypatch.undo()
    await tell(home, entry, "y")
    assert display.told("text") == ["y"]


class Gate:
    """Holds the next write of a version back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        own = DurableStore.async_save

        async def save(store: DurableStore, data: dict[str, Any]) -> None:
            if "key_version" in data:
                self.reached.set()
                await self.opened.wait()
            await own(store, data)

        monkeypatch.setattr(DurableStore, "async_save", save)


async def test_who_leaves_while_the_version_is_written_gets_nothing(
    home: HomeAssistant, displays: list[SimulatedDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, gate = await make(home, *displays), Gate(monkeypatch)
    sending = home.async_create_task(tell(home, entry, "not for everybody"))
    await gate.reached.wait()
    home.config_entries.async_update_entry(entry, options={"members": [displays[0].identity]})
    gate.opened.set()
    assert [part["delivered"] for part in (await sending).values()] == [True]
    assert [display.told("text") for display in displays] == [["not for everybody"], []]


async def test_a_group_that_is_unloaded_while_its_version_is_written_sends_nothing(
    home: HomeAssistant, display: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next life may begin the same version, so this one must not."""
    entry, gate = await make(home, display), Gate(monkeypatch)
    sending = home.async_create_task(tell(home, entry, "never"))
    await gate.reached.wait()
    old = entry.runtime_data
    reloading = home.async_create_task(home.config_entries.async_reload(entry.entry_id))
    await until(lambda: old._stopped)
    assert not reloading.done()
    gate.opened.set()
    assert await reloading
    with pytest.raises(HomeAssistantError):
        await sending
    await tell(home, entry, "y")
    assert (display.told("text"), version(entry), old.group.version) == (["y"], 2, 0)


async def test_a_group_that_has_used_up_its_versions(home: HomeAssistant, display: SimulatedDevice) -> None:
    entry = await make(home, display)
    group = entry.runtime_data.group
    group.version = group._known = U32_MAX
    with pytest.raises(HomeAssistantError) as caught:
        await tell(home, entry, "x")
    assert caught.value.translation_key == "group_used_up"


async def test_a_group_whose_file_is_lost_goes_on_behind_what_its_members_know(
    home: HomeAssistant, hass_storage: dict[str, Any], display: SimulatedDevice
) -> None:
    entry = await make(home, display)
    for _ in range(3):
        await tell(home, entry, "x")
        assert await home.config_entries.async_reload(entry.entry_id)
    del hass_storage[f"{DOMAIN}.group.{entry.data['gid']:04x}"]
    assert await home.config_entries.async_reload(entry.entry_id)
    assert version(entry) == 0
    assert [part["missed"] for part in (await tell(home, entry, "lost", timeout=60)).values()] == [True]
    report = await tell(home, entry, "y", timeout=60)
    assert version(entry) > 3
    assert all(part["delivered"] for part in report.values())
    assert display.told("text")[-1] == "y"


async def test_what_cannot_be_read(home: HomeAssistant, display: SimulatedDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = await make(home, display)

    async def newer(_self: DurableStore) -> None:
        raise UnsupportedStorageVersionError("self_secure.group", 1, 2)

    monkeypatch.setattr(DurableStore, "async_load", newer)
    assert not await home.config_entries.async_reload(entry.entry_id)
    assert entry.error_reason_translation_key == "group_unreadable"
    monkeypatch.undo()


async def test_a_removed_group_leaves_nothing(home: HomeAssistant, hass_storage: dict[str, Any], display: SimulatedDevice) -> None:
    entry = await make(home, display)
    await tell(home, entry, "x")
    await home.config_entries.async_remove(entry.entry_id)
    assert [key for key in hass_storage if key.startswith(f"{DOMAIN}.group")] == []
    for one in [display]:
        member: Any = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, one.identity)
        await until(lambda member=member: member.runtime_data.connection.group_version(entry.data["gid"]) is None)  # type: ignore[misc]  # mypy cannot infer a lambda's default


# --- what may be seen


async def test_no_key_and_no_text_in_what_is_shown(home: HomeAssistant, hass_storage: dict[str, Any], display: SimulatedDevice) -> None:
    entry = await make(home, display)
    await tell(home, entry, "for members only")
    present = entry.runtime_data.group.present
    assert present is not None
    shown = await async_get_config_entry_diagnostics(home, entry)
    assert shown | {"members": 1, "holding": 1, "version": 1, "begun": True, "waiting": 0, "state": "loaded"} == shown
    everywhere = repr((shown, entry.as_dict(), hass_storage, entry.runtime_data.group.__dict__))
    assert present.key.raw.hex() not in everywhere
    assert repr(present.key.raw)[2:-1] not in everywhere
    assert "for members only" not in repr((shown, entry.as_dict(), hass_storage))

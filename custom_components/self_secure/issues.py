"""What a person has to repair: raised when it shows, deleted when it is solved."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry


class Issue(StrEnum):
    """Kinds of issues; the value is the key of their texts."""

    KEY_LOST = "key_lost"  # the file is gone or damaged
    NEWER_VERSION = "newer_version"  # a newer version of the integration wrote what is stored
    NO_COMMON_KEY = "no_common_key"  # three resumes: a backup was restored, or the device was reset or paired elsewhere
    RESUME_UNANSWERED = "resume_unanswered"  # three resumes without an answer
    CLONE_SUSPECTED = "clone_suspected"
    SUITE_BELOW_FLOOR = "suite_below_floor"  # paired by a method that is not accepted any more
    NO_PATH = "no_path"  # heard for long, but by nobody who could connect
    DEVICE_RESET = "device_reset"  # its beacon says that it has no key
    NEW_KEY_REQUESTED = "new_key_requested"  # its button was pressed
    NOT_STORED = "not_stored"  # a write failed: the device is not served until one succeeds
    KEY_NOT_ERASED = "key_not_erased"  # it was removed, and a file with a key of it could not be


class SharedIssue(StrEnum):
    """Kinds of issues about the file that all devices share: without it none of them is loaded."""

    HUB_NEWER_VERSION = "hub_newer_version"
    HUB_UNUSABLE = "hub_unusable"  # it can be neither read nor written


OF_THE_KEY: Final = (Issue.NO_COMMON_KEY, Issue.RESUME_UNANSWERED, Issue.DEVICE_RESET)
"""Solved as soon as the device proves that it holds our key."""

OF_A_NEW_KEY: Final = (*OF_THE_KEY, Issue.CLONE_SUSPECTED, Issue.NEW_KEY_REQUESTED, Issue.SUITE_BELOW_FLOOR)
"""Solved by pairing again; a method that the user accepts in that dialog is in the options only after it."""

_ADVICE: Final = frozenset({Issue.NEWER_VERSION, Issue.NOT_STORED})
"""Nothing here can fix these: the text tells what to do."""

_LASTING: Final = frozenset({Issue.CLONE_SUSPECTED, Issue.KEY_NOT_ERASED})
"""What does not show again by itself after a restart."""

_ALARMING: Final = frozenset({Issue.KEY_LOST, Issue.NEWER_VERSION, Issue.CLONE_SUSPECTED, Issue.NOT_STORED, Issue.KEY_NOT_ERASED})


def issue_id(issue: Issue, entry_id: str) -> str:
    """Return the name in the registry."""
    return f"{issue.value}_{entry_id}"


@callback
def async_raise(hass: HomeAssistant, entry: ConfigEntry, issue: Issue) -> None:
    """Show the issue; once, however often it is raised."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(issue, entry.entry_id),
        data={"issue": issue.value, "entry_id": entry.entry_id, "identity": entry.unique_id, "name": entry.title},
        is_fixable=issue not in _ADVICE,
        is_persistent=issue in _LASTING,
        severity=ir.IssueSeverity.ERROR if issue in _ALARMING else ir.IssueSeverity.WARNING,
        translation_key=issue.value,
        translation_placeholders={"name": entry.title},
    )


@callback
def async_solve(hass: HomeAssistant, entry: ConfigEntry, *solved: Issue) -> None:
    """Delete what is not true any more."""
    registry = ir.async_get(hass)
    for issue in solved:
        if registry.async_get_issue(DOMAIN, issue_id(issue, entry.entry_id)):
            registry.async_delete(DOMAIN, issue_id(issue, entry.entry_id))


@callback
def async_solve_not_erased(hass: HomeAssistant, identity: str) -> None:
    """The device has been paired anew: the file that could not be erased holds its present key."""
    registry = ir.async_get(hass)
    for issue in tuple(registry.issues.values()):
        known = issue.data or {}
        if issue.domain == DOMAIN and known.get("issue") == Issue.KEY_NOT_ERASED and known.get("identity") == identity:
            registry.async_delete(DOMAIN, issue.issue_id)


@callback
def async_raise_shared(hass: HomeAssistant, issue: SharedIssue) -> None:
    """Show what keeps all devices from being loaded."""
    error = ir.IssueSeverity.ERROR
    ir.async_create_issue(hass, DOMAIN, issue.value, is_fixable=False, severity=error, translation_key=issue.value)


@callback
def async_solve_shared(hass: HomeAssistant) -> None:
    """All is well with what the devices share."""
    for issue in SharedIssue:
        ir.async_delete_issue(hass, DOMAIN, issue.value)

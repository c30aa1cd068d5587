"""What the dialogs show: fields, lists and numbers, without any decision."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig, SelectSelectorMode
import probatio

from .batch import Candidate
from .const import FIELD_DEVICES, FIELD_METHOD, FIELD_NEXT, FIELD_VERDICT, SECTION_SECURITY
from .protocol.events import PairingProgressed, Verdict
from .protocol.suites import HYBRID, LOSS, PAPER

METHODS: Final = {suite.name: suite.id for suite in (HYBRID, LOSS, PAPER)}
AGAIN: Final = "again"
LEAVE_OUT: Final = "leave_out"
NOBODY: Final = "-"  # in place of an empty list of names
READY: Final = "✓"

METHOD: Final = SelectSelector(SelectSelectorConfig(options=list(METHODS), mode=SelectSelectorMode.DROPDOWN, translation_key=FIELD_METHOD))
_VERDICTS: Final = [verdict.value for verdict in Verdict]
_NEXT: Final = SelectSelector(SelectSelectorConfig(options=[AGAIN, LEAVE_OUT], mode=SelectSelectorMode.LIST, translation_key=FIELD_NEXT))

type Fields = Mapping[probatio.Marker, Any]


def code_form(*, relayed: bool) -> probatio.Schema:
    """Return the question what the device shows; not required, or the frontend would answer it with its first option.

    Through a relay only a code that was compared counts (protocol.md 10).
    """
    options = [verdict for verdict in _VERDICTS if not relayed or verdict != Verdict.NOT_SHOWN]
    verdicts = SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST, translation_key=FIELD_VERDICT))
    return probatio.Schema({probatio.Optional(FIELD_VERDICT): verdicts})


def method_name(floor: int) -> str:
    """Return what the forms call the suite."""
    return next(name for name, number in METHODS.items() if number == floor)


def security_form(floor: int, fields: Fields | None = None, *, collapsed: bool = True) -> probatio.Schema:
    """Return a form's fields and, folded away, the weakest method that the user accepts of this device."""
    usual = {FIELD_METHOD: method_name(floor)}
    methods = probatio.Schema({probatio.Required(FIELD_METHOD, default=usual[FIELD_METHOD]): METHOD})
    folded = section(methods, {"collapsed": collapsed})
    # the frontend takes a section's own default, and none of those inside it
    return probatio.Schema({**(fields or {}), probatio.Optional(SECTION_SECURITY, default=usual): folded})


def chosen_floor(user_input: Mapping[str, Any]) -> int:
    """Return the id of the method that was chosen in a `security_form`."""
    return METHODS[user_input[SECTION_SECURITY][FIELD_METHOD]]


def next_field() -> Fields:
    """Return the question what to do about one of several devices that could not be paired."""
    return {probatio.Required(FIELD_NEXT, default=AGAIN): _NEXT}


def key_of(candidate: Candidate) -> str:
    """Return what names a device in the list: its address, or its short id if only relays hear it."""
    return candidate.address or candidate.short_id.hex()


def devices_field(heard: Iterable[tuple[Candidate, str]]) -> Fields:
    """Return the list of devices to choose from, each with its signal and who hears it best (adapter, proxy or relay)."""
    options = [SelectOptionDict(value=key_of(one), label=_label(one, signal)) for one, signal in heard]
    devices = SelectSelector(SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST))
    chosen = [option["value"] for option in options] if len(options) == 1 else []
    return {probatio.Required(FIELD_DEVICES, default=chosen): devices}


def _label(one: Candidate, signal: str) -> str:
    return f"{one.name} ({one.address}), {signal}" if one.address else f"{one.name}, {signal}"


def progress_text(progress: PairingProgressed, assumed_loss: int) -> dict[str, str]:
    """Return the numbers that the progress step of one device shows."""
    return {
        "packets": str(progress.packets),
        "minimum": str(progress.minimum),
        "loss": f"{100 * progress.loss:.0f}",
        "secrecy": f"{progress.secrecy_bits:.0f}",
        "target": str(progress.target_bits),
        "assumed_loss": str(assumed_loss),
        "scanners": str(progress.scanners),
        "seconds": f"{progress.seconds_left:.0f}",
    }


def batch_text(candidates: list[Candidate]) -> dict[str, str]:
    """Return what the progress step of several devices shows: how many, how many are ready, and a row of the table for each."""
    paired = sum(one.identity is not None for one in candidates)
    return {"count": str(len(candidates)), "paired": str(paired), "devices": "\n".join(_row(one) for one in candidates)}


def _row(one: Candidate) -> str:
    """Return name, share, packets, loss, bits and time left: numbers, which need no language."""
    told = one.progress
    if one.identity is not None:
        cells = [f"100 % {READY}", *[""] * 4]
    elif told is None:
        cells = [""] * 5
    else:
        share, packets = f"{100 * told.fraction:.0f} %", f"{told.packets} / {told.minimum}"
        bits = f"{told.secrecy_bits:.0f} / {told.target_bits}"
        cells = [share, packets, f"{100 * told.loss:.0f} %", bits, f"{told.seconds_left:.0f} s"]
    return f"| {' | '.join([one.name.replace('|', ' '), *cells])} |"


def outcome_text(paired: list[Candidate], left_out: list[Candidate]) -> dict[str, str]:
    """Return what the last step of several devices tells."""
    return {
        "count": str(len(paired)),
        "devices": names(paired),
        "unverified": names(one for one in paired if not one.verified),
        "left_out": names(left_out),
    }


def names(candidates: Iterable[Candidate]) -> str:
    """Return their names as one text."""
    return ", ".join(one.name for one in candidates) or NOBODY

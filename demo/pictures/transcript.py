"""``python -m demo.pictures.transcript``: every text that a dialog, a repair or an error showed, as a person read it.

The tests of the integration walk through real flows of a real Home Assistant on the virtual radio. This module is the pytest plugin that
writes down what they are shown, rendered with the numbers and names of that moment, and the command that runs them and prints it all:
first what was shown, then what was not.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
import json
import os
from pathlib import Path
import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from demo.folder import REPOSITORY

if TYPE_CHECKING:
    import pytest

type Note = Callable[[str, Mapping[str, Any] | None], None]

DOMAIN = "self_secure"
TEXTS = REPOSITORY / "custom_components" / DOMAIN / "translations" / "en.json"

#: Where the plugin writes to, one JSON object a line: several pytest processes may do so at the same time.
VARIABLE = "SELF_SECURE_TRANSCRIPT"

#: Sections that a person meets only when something happens; what stands on forms and pages anyway is on the pictures.
TOLD = (r"config\.abort", r"config\.error", r"config\.progress", r"exceptions", r"issues", r"options\.abort", r"options\.error")

#: Texts that nothing can bring about, and why. Each cause has both texts, so that a new way to it would not be without one.
UNREACHABLE = {
    r"config\.error\.(busy|conflicts|low_secrecy|no_ack|no_request|suite_below_floor|timeout|too_few_packets|wrong_mac)_suspicious": (
        "it ends a negotiation before END has left, so nobody can sit between yet"
    ),
    r"config\.error\.(different_code|no_open|no_answer)": "it comes after END has left: the suspicious text tells it",
}


def leaves(texts: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of every text."""
    for key, value in texts.items():
        here = f"{path}.{key}" if path else key
        yield from leaves(value, here) if isinstance(value, dict) else [(here, value)]


# --- the plugin


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001  # pytest's signature
    """Listen to Home Assistant, if somebody wants to read it."""
    if target := os.environ.get(VARIABLE):
        _listen(Path(target))


def _listen(target: Path) -> None:
    """Write down the results of flows, the issues and the errors, as they come into being."""

    def note(path: str, placeholders: Mapping[str, Any] | None) -> None:
        with target.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"path": path, "placeholders": {key: str(value) for key, value in (placeholders or {}).items()}}) + "\n")

    _listen_to_flows(note)
    _listen_to_issues_and_errors(note)


def _listen_to_flows(note: Note) -> None:
    """Every result passes one of two places: where a step has ended, and where a flow shows its step anew by itself."""
    from homeassistant.data_entry_flow import FlowHandler, FlowManager  # noqa: PLC0415  # only where there is a Home Assistant

    step, changed = FlowManager._async_handle_step, FlowHandler.async_notify_flow_changed  # noqa: SLF001  # as told above

    def note_result(flow: Any, result: Any) -> None:
        if flow.handler == DOMAIN or type(flow).__module__.startswith(f"custom_components.{DOMAIN}"):
            for path in _paths(_section(flow), result):
                note(path, result.get("description_placeholders"))

    async def handle_step(manager: Any, flow: Any, *rest: Any) -> Any:
        result = await step(manager, flow, *rest)
        note_result(flow, result)
        return result

    def notify_flow_changed(flow: Any) -> None:
        note_result(flow, flow.cur_step)
        changed(flow)

    FlowManager._async_handle_step = handle_step  # type: ignore[assignment,method-assign]  # noqa: SLF001  # for as long as pytest runs
    FlowHandler.async_notify_flow_changed = notify_flow_changed  # type: ignore[assignment,method-assign]  # as above


def _listen_to_issues_and_errors(note: Note) -> None:
    from homeassistant.exceptions import HomeAssistantError  # noqa: PLC0415  # only where there is a Home Assistant
    from homeassistant.helpers import issue_registry as ir  # noqa: PLC0415  # as above

    make, error = ir.async_create_issue, HomeAssistantError.__init__

    def create_issue(hass: Any, domain: str, issue_id: str, **more: Any) -> None:
        if domain == DOMAIN:
            note(f"issues.{more['translation_key']}", more.get("translation_placeholders"))
        make(hass, domain, issue_id, **more)

    def new_error(self: Any, *rest: object, **more: Any) -> None:
        if more.get("translation_domain") == DOMAIN:
            note(f"exceptions.{more['translation_key']}", more.get("translation_placeholders"))
        error(self, *rest, **more)

    ir.async_create_issue = create_issue
    HomeAssistantError.__init__ = new_error  # type: ignore[method-assign]  # for as long as pytest runs


def _section(flow: Any) -> str:
    """Return where the texts of a flow are."""
    if "issue_id" in flow.context:
        return f"issues.{(flow.data or {}).get('issue') or flow.issue_id.rsplit('_', 1)[0]}.fix_flow"
    return "options" if "Options" in type(flow).__name__ else "config"


def _paths(section: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of what a result shows."""
    match result["type"]:
        case "abort":
            yield f"{section}.abort.{result['reason']}"
        case "progress":
            yield f"{section}.progress.{result['progress_action']}"
        case "form":
            yield f"{section}.step.{result['step_id']}"
            yield from (f"{section}.error.{key}" for key in (result["errors"] or {}).values())


# --- the command


def shown(notes: list[dict[str, Any]], texts: Mapping[str, str]) -> dict[str, str]:
    """Return each text that was shown, by its path, with the placeholders of one time; KeyError when one of those was not given."""
    found: dict[str, str] = {}
    for note in notes:
        for path, text in texts.items():
            if (path == note["path"] or path.startswith(f"{note['path']}.")) and ".fix_flow." not in path.removeprefix(note["path"]):
                found[path] = text.format_map(note["placeholders"])
    return found


def report(notes: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Return what is printed, and the paths of what nobody was shown though it can be."""
    texts = dict(leaves(json.loads(TEXTS.read_text(encoding="utf-8"))))
    told = {path: text for path, text in texts.items() if re.match("|".join(TOLD), path)}
    seen = shown(notes, told)
    excused = {path: why for path in told for pattern, why in UNREACHABLE.items() if re.fullmatch(pattern, path)}
    missing = [path for path in told if path not in seen and path not in excused]
    lines = [f"{path}\n    {seen[path]}" for path in told if path in seen]
    lines += [f"{path}\n    cannot be shown: {why}" for path, why in excused.items() if path not in seen]
    lines += [f"{path}\n    WAS NOT SHOWN: {told[path]}" for path in missing]
    summary = f"{len(seen)} of {len(told)} texts shown, {len(excused)} cannot be, {len(missing)} were not"
    return "\n".join([*lines, summary]), missing


def main() -> int:
    """Run the tests and print what they were shown; 1 when a text that can be shown was not, or a test failed."""
    parser = argparse.ArgumentParser(prog="python -m demo.pictures.transcript", description=__doc__)
    parser.add_argument(
        "tests", nargs="*", default=["tests/integration"], help="arguments for pytest (default tests/integration); options after --"
    )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "notes"
        target.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-m", "home_assistant", "-p", "demo.pictures.transcript"]
        ran = subprocess.run([*command, *parser.parse_args().tests], cwd=REPOSITORY, env={**os.environ, VARIABLE: str(target)}, check=False)
        text, missing = report([json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()])
    print(text)
    return 1 if ran.returncode or missing else 0


if __name__ == "__main__":
    sys.exit(main())

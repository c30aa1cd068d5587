"""scripts/experiments radio send|listen|report: Fig. 7 on real adapters.

On one machine   radio listen --transport usb:0 --name hub --metres 3
on another one   radio listen --transport hci-socket:0 --name eve --metres 6      (as many as there are)
then the sender  radio send --transport hci-socket:0
Repeat it for each distance, copy the recordings into one folder, and:  radio report FOLDER
Bumble needs the adapter for itself: stop BlueZ (systemctl stop bluetooth; hciconfig hci0 down), run as root.
"""

import argparse
import asyncio
from pathlib import Path
import secrets

from bumble.core import BaseBumbleError
from bumble.hci import HCI_Error
from usb1 import USBError  # type: ignore[import-untyped]  # Bumble's USB library has no types

from .adapter import kind_of
from .listener import listen
from .recording import Recording
from .results import report
from .sender import COUNTS, INTERVAL, REPETITIONS, Plan, send

FOLDER = Path("evaluation-results")
PATIENCE = 3600.0  # s; the paper's plan takes about ten minutes
FASTEST, SLOWEST = 20, 1000  # ms: Bluetooth's floor for legacy advertising, protocol.md 4's ceiling


def say(line: str) -> None:
    """Print one line, at once."""
    print(line, flush=True)


def interval(text: str) -> int:
    """Return the milliseconds of an argument; ArgumentTypeError outside the bounds."""
    value = int(text)
    if not FASTEST <= value <= SLOWEST:
        raise argparse.ArgumentTypeError(f"between {FASTEST} and {SLOWEST}")
    return value


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="scripts/experiments radio", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = made.add_subparsers(dest="command", required=True)
    sender = commands.add_parser("send", help="send the runs of one distance")
    sender.add_argument("--transport", required=True, help="Bumble's name of the adapter: hci-socket:0, usb:0, serial:/dev/…")
    sender.add_argument("--packets", type=int, nargs="+", default=list(COUNTS))
    sender.add_argument("--repetitions", type=int, default=REPETITIONS)
    sender.add_argument("--interval", type=interval, default=INTERVAL, help="ms")
    listener = commands.add_parser("listen", help="record them")
    listener.add_argument("--transport", required=True, help="as above")
    listener.add_argument("--name", required=True, help="of this listener: hub, eve, …")
    listener.add_argument("--metres", type=float, required=True, help="distance to the sender")
    listener.add_argument("--seconds", type=float, default=PATIENCE, help="at most")
    listener.add_argument("--out", type=Path, default=FOLDER)
    reporter = commands.add_parser("report", help="tables and plots of all recordings")
    reporter.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    return made


def run_send(given: argparse.Namespace) -> None:
    """Send."""
    plan = Plan(secrets.randbits(32), tuple(given.packets), given.repetitions, given.interval)
    asyncio.run(send(given.transport, plan, say))


def run_listen(given: argparse.Namespace) -> None:
    """Listen and save."""
    recording = Recording(given.name, given.metres, kind_of(given.transport))
    asyncio.run(listen(given.transport, recording, given.seconds, say))
    say(str(recording.save(given.out / "recordings")))


def run_report(given: argparse.Namespace) -> None:
    """Write tables and plots."""
    made = report(given.folder)
    made.write()
    say(made.text())


COMMANDS = {"send": run_send, "listen": run_listen, "report": run_report}


def main(arguments: list[str]) -> None:
    """Run one command; SystemExit with a line of text when there is no adapter, or nothing to report."""
    given = parser().parse_args(arguments)
    try:
        COMMANDS[given.command](given)
    except LookupError as error:
        raise SystemExit(f"{given.command}: {error}") from error
    except (OSError, BaseBumbleError, HCI_Error, USBError) as error:
        raise SystemExit(f"{given.command}: {explained(error, given)}") from error


def explained(error: Exception, given: argparse.Namespace) -> str:
    """Return the reason, and for an adapter what may be the cause: what the system says of it is no help."""
    reason = str(error) or type(error).__name__
    if "transport" not in given:
        return reason
    return f"cannot use {given.transport}: {reason}. Is there such an adapter, is BlueZ stopped, and are you root? See radio --help"

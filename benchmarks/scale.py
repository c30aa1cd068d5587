"""python -m benchmarks scale: many paired devices in one Home Assistant, started from the disk as after a restart."""

import argparse
import json
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Any, Final

from custom_components.self_secure.protocol.events import MessageType

from .couple import Couple

DEVICES: Final = (0, 100, 1000)  # none: what Home Assistant and its bluetooth integration cost by themselves
LIMIT: Final = 400  # s for one start with everything around it
MESSAGES: Final = 96  # three epochs
READING: Final = bytes.fromhex("0164" + "02ca09" + "03bf13")  # battery, temperature, humidity


def start(devices: int, folder: Path) -> dict[str, Any]:
    """Start Home Assistant in a process of its own, twice: the second time it knows its entities, as after every restart."""
    command = [sys.executable, "-m", "benchmarks.household", str(devices), str(folder)]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)  # noqa: S603  # our own module
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def writes_per_message(kind: str) -> float:
    """Return how often the hub writes its disk per message, epochs included."""
    couple = Couple().pair()
    before = couple.writes
    send = {"readings": couple.report, "events": couple.report, "texts from the hub": couple.say}[kind]
    number = {"readings": MessageType.READINGS, "events": MessageType.EVENT, "texts from the hub": MessageType.TEXT}[kind]
    for _ in range(MESSAGES):
        send(number, READING)
    return (couple.writes - before) / MESSAGES


def _line(result: dict[str, Any], none: dict[str, Any]) -> str:
    count = result["devices"]
    added = result["seconds"] - none["seconds"]
    kilobytes = (result["rss"] - none["rss"]) / 1024 / max(1, count)
    return (
        f"| {count:,} | {result['entities']:,} | {result['seconds']:.2f} | {added:.2f} | {1000 * added / max(1, count):.1f} | {kilobytes:.0f} "
        f"| {1000 * result['longest_pause']:.0f} | {result['microseconds']:.0f} | {result['growth']:.1f} | {result['blocking']} |"
    )


def measure(counts: list[int]) -> list[dict[str, Any]]:
    """Start Home Assistant with so many devices each; the first count must be none."""
    results = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            results.append(start(count, Path(folder)))
    return results


def text(results: list[dict[str, Any]]) -> str:
    """Return the table, and how often a message makes the hub write."""
    head = (
        "| Devices | Entities | Start, s | Added, s | Added per device, ms | Memory per device, KiB | Longest pause of the loop, ms "
        "| One reading, µs | Growth over 20 readings per device, KiB per device | Blocking calls |"
    )
    kinds = ("readings", "events", "texts from the hub")
    writes = (f"Writes per message, {kind}: {writes_per_message(kind):.2f}" for kind in kinds)
    return "\n".join([head, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|", *(_line(one, results[0]) for one in results), *writes])


def main(arguments: list[str]) -> int:
    """Print the table; 1 if a blocking call was found or a device was not loaded."""
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description=__doc__)
    parser.add_argument("--devices", type=int, nargs="+", default=list(DEVICES), help="numbers of paired devices")
    results = measure(sorted({0, *parser.parse_args(arguments).devices}))
    print(text(results))
    return int(any(result["blocking"] or result["loaded"] != result["devices"] for result in results))

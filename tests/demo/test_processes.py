"""Programs are watched and ended, also those that do not want to."""

import contextlib
import os
from pathlib import Path
import shutil
import sys

import pytest

from demo.errors import DemoError
from demo.processes import Process, Processes
from demo.waiting import until

ECHO = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print('got', line.strip(), flush=True)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"


def python(code: str, folder: Path, heard: list[str] | None = None) -> Process:
    return Process("program", [sys.executable, "-c", code], folder / "log", None if heard is None else heard.append)


def runs(pid: int) -> bool:
    """Return whether a process of this machine runs; one that only waits to be collected has no command line."""
    with contextlib.suppress(OSError):  # it has ended
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


async def test_lines_reach_listener_log_and_waiter(tmp_path: Path) -> None:
    heard: list[str] = []
    async with Processes() as processes:
        process = processes.add(python(ECHO, tmp_path, heard))
        await process.start()
        await process.wait_for("ready", 10)
        await process.send("hello")
        assert (await process.wait_for(r"got (\w+)", 10))[1] == "hello"
    assert heard == ["ready", "got hello"]
    assert (tmp_path / "log").read_text() == "ready\ngot hello\n"


async def test_a_mark_hides_older_lines(tmp_path: Path) -> None:
    async with Processes() as processes:
        process = processes.add(python(ECHO, tmp_path))
        await process.start()
        await process.wait_for("ready", 10)
        mark = process.position
        await process.send("new")
        await process.wait_for("got new", 10)
        assert process.matches("ready", mark) == []
        assert len(process.matches("ready")) == 1


async def test_a_program_that_ends_ends_the_wait(tmp_path: Path) -> None:
    process = python("print('last words')", tmp_path)
    await process.start()
    with pytest.raises(DemoError, match="ended") as failure:
        await process.wait_for("never", 30)
    assert failure.value.culprit is process
    assert process.tail() == ["last words"]


async def test_a_line_that_does_not_come_is_named(tmp_path: Path) -> None:
    async with Processes() as processes:
        process = processes.add(python(ECHO, tmp_path))
        await process.start()
        with pytest.raises(DemoError, match="did not print “never”"):
            await process.wait_for("never", 0.1)


async def test_leaving_ends_what_ignores_the_polite_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.processes.GRACE", 0.2)
    async with Processes() as processes:
        process = processes.add(python(STUBBORN, tmp_path))
        await process.start()
        await process.wait_for("ready", 10)
        assert process.running
    assert not process.running


async def test_what_never_started_can_be_stopped(tmp_path: Path) -> None:
    process = python(ECHO, tmp_path)
    await process.stop()
    with pytest.raises(DemoError, match="does not run"):
        await process.send("hello")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux, as the demo does for this")
async def test_the_kernel_ends_programs_of_a_killed_demo(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom demo.processes import Process\n"
        f"process = Process('child', [sys.executable, '-c', {STUBBORN!r}], Path({str(tmp_path / 'child')!r}))\n"
        "async def main():\n    await process.start()\n    await process.wait_for('ready', 10)\n"
        "    print('child', process.pid, flush=True)\n    await asyncio.sleep(60)\nasyncio.run(main())"
    )
    demo = python(code, tmp_path)
    await demo.start({**os.environ, "PYTHONPATH": str(Path.cwd())})
    child = int((await demo.wait_for(r"child (\d+)", 20))[1])
    await demo.kill()

    async def look() -> bool:
        return runs(child)

    assert not await until(look, lambda running: not running, 10, "the child still runs")

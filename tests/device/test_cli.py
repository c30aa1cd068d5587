"""The command: its lines, its exit status, and what must not end it."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import io
from pathlib import Path
import re
import sys

import pytest

from self_secure_device_linux import cli, program
from self_secure_device_linux.cli import settings_of
from tests.device.radio_hub import hub_and_transport

COMMAND = str(Path(sys.executable).with_name("self-secure-device"))


@asynccontextmanager
async def device(transport: str, *options: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(COMMAND, "--transport", transport, *options, stdin=PIPE, stdout=PIPE)
    yield process
    assert process.returncode is not None


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return (await process.stdout.readline()).decode().rstrip()


def write(process: Process, text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode())


async def test_speaks_the_lines_that_others_read(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    options = ("--address", "C0:00:00:00:00:07", "--identity", "0102030405060708" * 2, "--profile", "door", "--state", state)
    async with hub_and_transport() as (_, transport), device(transport, *options) as process:
        assert await line(process) == "ready identity=01020304 address=C0:00:00:00:00:07 state=0"
        write(process, "status\npress\nsay hello\nbad\n\npair\nopen\nreset\nquit\n")
        assert await line(process) == "status identity=01020304 address=C0:00:00:00:00:07 state=0"
        assert await line(process) == "error: not paired"
        assert await line(process) == "error: not paired"
        assert await line(process) == "error: unknown command: bad"
        assert await line(process) == "error: not paired"
        assert await line(process) == "reset"
        assert await process.wait() == 0


async def test_end_of_input_does_not_end_it_and_sigterm_does() -> None:
    async with hub_and_transport() as (_, transport), device(transport) as process:
        assert re.fullmatch(r"ready identity=[0-9a-f]{8} address=(?:[0-9A-F]{2}:){5}[0-9A-F]{2} state=0", await line(process))
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.sleep(0.3)
        assert process.returncode is None
        process.terminate()
        assert await process.wait() == 0


async def test_identity_and_address_survive_a_restart(tmp_path: Path) -> None:
    lines = []
    for _ in range(2):
        async with hub_and_transport() as (_, transport), device(transport, "--state", str(tmp_path / "state")) as process:
            lines.append(await line(process))
            write(process, "quit\n")
            assert await process.wait() == 0
    assert lines[0] == lines[1]


async def test_a_damaged_state_is_an_error_and_stays(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_bytes(b"half a snapshot that was damaged")
    async with device("tcp-client:127.0.0.1:9", "--state", str(state)) as process:
        assert await line(process) == "error: the stored state is damaged"
        assert await process.wait() == 1
    assert state.read_bytes() == b"half a snapshot that was damaged"


async def test_a_transport_that_stays_away_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(program, "MAX_RECONNECTS", 1)
    monkeypatch.setattr(program, "RECONNECT_DELAY", 0.01)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert await cli._main(settings_of(["--transport", "tcp-client:127.0.0.1:9"])) == 1
    assert capsys.readouterr().out.count("error: cannot open tcp-client:127.0.0.1:9: ") == 2


@pytest.mark.parametrize(("text", "shown"), [("plain ü", "plain ü"), ("two\nlines", "two\\nlines"), ("\x1b[2J", "\\x1b[2J")])
def test_a_text_stays_on_its_line(text: str, shown: str) -> None:
    assert cli.one_line(text) == shown


@pytest.mark.parametrize(("name", "offered"), [("hybrid", (0x11,)), ("loss", (1,)), ("hybrid,loss", (0x11, 1)), ("paper", (0,))])
def test_suites_by_name(name: str, offered: tuple[int, ...]) -> None:
    assert settings_of(["--transport", "usb:0", "--suite", name]).suites == offered


@pytest.mark.parametrize(
    "options",
    [
        ["--identity", "00"],
        ["--interval", "19"],
        ["--interval", "1001"],
        ["--profile", "toaster"],
        ["--suite", "paper", "--interval", "31"],
    ],
)
def test_wrong_options(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        settings_of(["--transport", "usb:0", *options])

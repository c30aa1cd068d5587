"""Several hubs at one device: who is there for nothing makes room, and that is no failure (protocol.md 9)."""

import asyncio
from functools import partial

from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.transport.backoff import FIRST_DELAY, JITTER
from custom_components.self_secure.transport.client import Client

from .wire import Wire, until


def said(wire: Wire, text: str) -> bool:
    return wire.board.heard("text")[-1:] == [text]


async def test_a_device_that_hangs_up_after_an_answer_is_not_shunned(wire: Wire, paired: Client) -> None:
    """However often it needs the link for another hub: a message of ours goes out as soon as it may."""
    for number in range(6):
        await until(lambda: wire.link is None)
        paired.contact.back_off.hurry()
        await paired.send(MessageType.TEXT, b"%d" % number)
        await until(partial(said, wire, str(number)))
        await until(lambda: paired.connection.answered)
        wire.cut()
        await until(lambda: not paired.connection.answered or paired.contact.back_off.until > 0)
    wait = paired.contact.back_off.until - asyncio.get_running_loop().time()
    assert 0 < wait <= FIRST_DELAY * (1 + JITTER)


async def test_links_that_break_before_an_answer_are_failures(wire: Wire, paired: Client) -> None:
    waits = []
    for _ in range(4):
        await until(lambda: wire.link is None)
        paired.contact.back_off.hurry()
        wire.writes_left = 0
        await paired.send(MessageType.TEXT, b"lost")
        await until(lambda: wire.log[-1:] == ["hang up"] and paired.contact.back_off.until > 0)
        waits.append(paired.contact.back_off.until - asyncio.get_running_loop().time())
    assert waits[-1] > FIRST_DELAY * (1 + JITTER)

"""Who waits for what an input of the pump has to say."""

import asyncio
from collections.abc import Callable
from typing import Final

from ..protocol.errors import LocalError, StoppedError

ENDED: Final = "this device's connection has ended"

type Answer = asyncio.Future[int]


class Asking:
    """Inputs that have an answer, which is given when what it depends on is on disk."""

    def __init__(self) -> None:
        self._waiting: set[Answer] = set()
        self._answers: list[tuple[Answer, int]] = []

    @property
    def answered(self) -> bool:
        """Whether there is somebody to tell."""
        return bool(self._answers)

    async def ask(self, post: Callable[[Answer], None]) -> int:
        """Post an input and return what it says; raises `LocalError`."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.add(answer)
        try:
            post(answer)
            return await answer
        finally:
            self._waiting.discard(answer)

    def take(self, answer: Answer, given: Callable[[float], int], now: float) -> None:
        """Feed an input; nothing if nobody waits for its answer any more."""
        if answer.done():
            return
        try:
            self._answers.append((answer, given(now)))
        except LocalError as error:
            answer.set_exception(error)

    async def give(self) -> None:
        """Tell who asked, now that it is on disk; they run before the next input, which may say more about it."""
        answers, self._answers = self._answers, []
        for answer, result in answers:
            if not answer.done():
                answer.set_result(result)
        await asyncio.sleep(0)

    def refuse(self) -> None:
        """Nobody gets an answer any more."""
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(StoppedError(ENDED))

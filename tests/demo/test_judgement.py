"""What the demo calls a success."""

import pytest

from demo.errors import DemoError
from demo.homeassistant import free_port
from demo.hub import says_delivered
from demo.pairing import shown_code
from demo.terminal import Report, StepFailedError
from demo.traffic import Traffic


@pytest.mark.parametrize(
    ("response", "delivered"),
    [
        ({"device": {"delivered": True}}, True),
        ({"one": {"delivered": True}, "two": {"delivered": False}}, False),
        ({"results": [{"delivered": True}]}, True),
        ({"device": {"delivered": "no"}}, False),
        ({}, False),
        ({"results": []}, False),
        (None, False),
    ],
)
def test_only_a_delivery_to_all_counts(response: object, delivered: bool) -> None:
    assert says_delivered(response) is delivered


@pytest.mark.parametrize("code", ["012345", "012 345"])
def test_the_code_is_read_from_its_placeholder(code: str) -> None:
    assert shown_code({"type": "form", "step_id": "code", "description_placeholders": {"code": code, "name": "Door"}}) == "012345"


def test_a_step_without_a_code_is_an_error() -> None:
    with pytest.raises(DemoError, match="step code shows no code"):
        shown_code({"type": "form", "step_id": "code", "description_placeholders": None})


def test_the_reason_of_a_flow_that_gave_up_is_told() -> None:
    with pytest.raises(DemoError, match="the flow says abort no_ack"):
        shown_code({"type": "abort", "reason": "no_ack"})


def traffic(delivered: list[str], unknown: list[str]) -> Traffic:
    made = Traffic()
    made.delivered, made.unknown = delivered, unknown
    return made


@pytest.mark.parametrize("received", [["1", "2"], ["1", "2", "3"]])
def test_a_message_under_way_may_have_arrived_or_not(received: list[str]) -> None:
    assert traffic(["1", "2"], ["3"]).check(received) == len(received)


@pytest.mark.parametrize(
    ("received", "complaint"),
    [
        (["1"], "lost \\['2'\\]"),
        (["1", "2", "2"], "twice \\['2'\\]"),
        (["1", "2", "3", "3"], "twice \\['3'\\]"),
        (["1", "2", "4"], "never sent \\['4'\\]"),
    ],
)
def test_lost_doubled_and_foreign_messages_are_failures(received: list[str], complaint: str) -> None:
    with pytest.raises(DemoError, match=complaint):
        traffic(["1", "2"], ["3"]).check(received)


async def test_a_report_counts_and_tells(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    async with report.step("first") as tell:
        tell("a detail")
    with pytest.raises(StepFailedError):
        async with report.step("second"):
            raise DemoError("no reason")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("first, a detail")
    assert "FAILED" in printed[1]
    assert printed[1].endswith("second: no reason")
    assert report.summary() == "1 passed, 1 failed"


def test_a_used_port_is_not_taken() -> None:
    free = free_port()
    assert free_port(free) == free
    assert free_port(1) != 0

"""What mutants had shown to be untested."""

from itertools import pairwise, permutations
import random

import pytest

from custom_components.self_secure.protocol.errors import UnexpectedError
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.keys import ChainKey
from custom_components.self_secure.protocol.limits import RTO_MIN
from custom_components.self_secure.protocol.packets import FrameType, PaperPacket, decode_packet
from custom_components.self_secure.protocol.resume import ResumeResponder
from custom_components.self_secure.protocol.session import Outgoing, ReceivingChain, SendingChain
from custom_components.self_secure.protocol.sets import RunningSet
from custom_components.self_secure.protocol.suites import HYBRID

KEY, RAND = ChainKey(b"k" * 32), b"r" * 16
PAPER = PaperPacket(FrameType.DATA, bytes(96))


def chains() -> tuple[SendingChain, ReceivingChain]:
    return SendingChain(HYBRID, KEY, 1, 0, 5), ReceivingChain(HYBRID, KEY, 1, 0)


def message() -> Outgoing:
    return Outgoing(1, MessageType.TEXT, b"text", 1)


def gaps(numbers: list[int]) -> int:
    return sum(right - left > 1 for left, right in pairwise(numbers))


@pytest.mark.parametrize("numbers", list(permutations(range(6), 4)), ids=str)
def test_the_running_set_knows_its_gaps(numbers: tuple[int, ...]) -> None:
    running = RunningSet()
    for number in numbers:
        running.add(number)
        assert running._gaps == gaps(running.numbers)
    for number in numbers:
        running.remove(number)
        assert running._gaps == gaps(running.numbers)


def test_the_first_connection_may_have_all_its_challenges() -> None:
    assert ResumeResponder(bytes(16), random.Random(1).randbytes).challenges == 0


def test_the_time_of_a_message_counts_from_its_first_epoch() -> None:
    sent = message()
    for now in (10.0, 50.0):
        chains()[0].begin(sent, RAND, now)
    assert sent.first_sent == 10.0


def test_a_round_trip_is_the_time_since_the_attempt() -> None:
    sending, receiving = chains()
    _, dack = receiving.receive(decode_packet(sending.begin(message(), RAND, 100.0)), RAND)
    sending.acknowledge(decode_packet(dack), 100.1)
    assert sending.round_trip.timeout == RTO_MIN


def test_a_packet_of_suite_paper_is_no_data() -> None:
    sending, receiving = chains()
    with pytest.raises(UnexpectedError, match="message number"):
        receiving.receive(PAPER, RAND)
    receiving.receive(decode_packet(sending.begin(message(), RAND, 0.0)), RAND)
    with pytest.raises(UnexpectedError, match="message number"):
        receiving.receive(PAPER, RAND)


def test_a_packet_of_suite_paper_acknowledges_nothing() -> None:
    sending, _ = chains()
    sending.begin(message(), RAND, 0.0)
    with pytest.raises(UnexpectedError, match="another message"):
        sending.acknowledge(PaperPacket(FrameType.DACK, bytes(96)), 1.0)


def test_another_message_number_is_told_from_a_wrong_tag() -> None:
    sending, receiving = chains()
    later = SendingChain(HYBRID, KEY, 1, 0, 5)
    later.index = 3
    sending.begin(message(), RAND, 0.0)
    with pytest.raises(UnexpectedError, match="another message number"):
        receiving.receive(decode_packet(later.begin(message(), RAND, 0.0)), RAND)

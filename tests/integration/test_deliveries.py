"""What is told of messages that still wait."""

from custom_components.self_secure.deliveries import Deliveries, Fate
from custom_components.self_secure.protocol.events import MessageAbandoned, MessageDelayed, MessageDelivered


async def test_delivered_message_is_told_to_who_waits() -> None:
    deliveries = Deliveries()
    delivery = deliveries.expect(7)
    deliveries.settle(MessageDelivered(handle=8, id=1, attempts=1, seconds=0.1))
    deliveries.settle(MessageDelayed(handle=7, attempts=6))
    assert (delivery.ended.is_set(), delivery.fate, delivery.attempts) == (False, Fate.QUEUED, 6)
    deliveries.settle(MessageDelivered(handle=7, id=9, attempts=7, seconds=0.5))
    await delivery.ended.wait()
    assert (delivery.fate, delivery.id, delivery.attempts, delivery.seconds) == (Fate.DELIVERED, 9, 7, 0.5)


async def test_abandoned_message_is_neither_delivered_nor_queued() -> None:
    deliveries = Deliveries()
    delivery = deliveries.expect(7)
    deliveries.settle(MessageAbandoned(handle=7))
    assert (delivery.ended.is_set(), delivery.fate) == (True, Fate.ABANDONED)


async def test_all_who_wait_are_woken_at_the_end() -> None:
    deliveries = Deliveries()
    waiting = [deliveries.expect(handle) for handle in range(3)]
    deliveries.interrupt()
    assert [one.fate for one in waiting if one.ended.is_set()] == [Fate.INTERRUPTED] * 3
    deliveries.settle(MessageDelivered(handle=0, id=1, attempts=1, seconds=0.1))
    assert waiting[0].fate is Fate.INTERRUPTED

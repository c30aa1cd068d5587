"""Which messages still wait."""

import asyncio

import pytest

from custom_components.self_secure.deliveries import Deliveries, Delivery
from custom_components.self_secure.protocol.events import MessageAbandoned, MessageDelayed, MessageDelivered

DELIVERED = MessageDelivered(handle=7, id=9, attempts=2, seconds=0.5)


async def test_delivered_message_is_told_to_who_waits() -> None:
    deliveries = Deliveries()
    future = deliveries.expect(7)
    deliveries.settle(MessageDelivered(handle=8, id=1, attempts=1, seconds=0.1))
    deliveries.settle(MessageDelayed(handle=7, attempts=6))
    assert not future.done()
    deliveries.settle(DELIVERED)
    assert await future == Delivery(True, 9, 2, 0.5)


async def test_abandoned_message_is_not_delivered() -> None:
    deliveries = Deliveries()
    future = deliveries.expect(7)
    deliveries.settle(MessageAbandoned(handle=7))
    assert await future == Delivery()


async def test_nobody_waits_any_more() -> None:
    deliveries = Deliveries()
    future = deliveries.expect(7)
    future.cancel()
    deliveries.settle(DELIVERED)
    with pytest.raises(asyncio.CancelledError):
        await future
    await asyncio.sleep(0)
    assert not deliveries._waiting

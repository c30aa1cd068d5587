"""A group of 20 devices, 30 % loss, who joins and leaves, restarts of hub and members, and Eve at every link (protocol.md 9)."""

from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.limits import GROUP_SKIP_MAX
from experiments.soak import broadcast, user
from experiments.soak.group.eve import GroupEve
from experiments.soak.group.faults import GroupFaults
from experiments.soak.group.house import House
from experiments.soak.group.ledger import Sealed
from experiments.soak.group.member import Member
from experiments.soak.group.side import GroupSide
from experiments.soak.reuse import Reuse

MEMBERS, LOSS = 20, 0.3
INSIDE = 15  # of them in the group at first
MESSAGES = 4  # between two changes
PATIENCE = 200_000  # steps
FEW_LOST = 0.97  # at 30 % a frame is silent six times in a row now and then, and then the hub says so


pytestmark = pytest.mark.timeout(240)  # half a minute each on a machine of its own


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Twenty paired devices; of whatever is sent, advertised or over a link, 30 % do not arrive."""
    monkeypatch.setattr(broadcast, "LOSSES", (LOSS,))
    monkeypatch.setattr(user, "RESUME_FAILURES_MAX", 1_000)  # three lost resumes in a row are no reason to pair anew here
    reuse = Reuse()
    with reuse.watching():
        made = House("hybrid", 20, reuse, MEMBERS)
        for member in made.members:
            member.loss = LOSS
        until(made, lambda: all(quiet(member) for member in made.members))
        yield made


def until(house: House, reached: Callable[[], bool]) -> None:
    """Go on until it is so; the ledger judges everything on the way."""
    for _ in range(PATIENCE):
        if reached():
            return
        house.step()
    pytest.fail("it never came to that")


def quiet(member: Member) -> bool:
    connection, peer = member.hub.connection, member.node.core.peer
    return connection.paired and not connection.pairing and not connection.queued and peer is not None and not peer.queue


def at_rest(house: House) -> bool:
    return all(side.idle for side in house.groups) and all(quiet(member) for member in house.members)


def tell(house: House, side: GroupSide, first: int, count: int = MESSAGES) -> list[bytes]:
    """Send some messages at once; return their bodies."""
    bodies = [b"message %d" % number for number in range(first, first + count)]
    for body in bodies:
        house.send(side, MessageType.TEXT, body)
    until(house, lambda: at_rest(house))
    return bodies


def settle(house: House, side: GroupSide, members: list[Member]) -> None:
    house.choose(side, members)
    until(house, lambda: at_rest(house))


def outcomes(house: House, bodies: list[bytes]) -> list[Sealed]:
    return [house.ledger.outcome(body) for body in bodies]


def test_everybody_inside_gets_everything_and_nobody_else(house: House) -> None:
    side = house.groups[0]
    settle(house, side, house.members[:INSIDE])
    inside = {member.identity for member in house.members[:INSIDE]}
    sealed = outcomes(house, tell(house, side, 0, 20))
    assert [set(one.told) for one in sealed] == [inside] * 20
    assert sum(one.acted.total() for one in sealed) == sum(len(one.acted) for one in sealed) >= FEW_LOST * 20 * INSIDE
    assert sum(sum(one.told.values()) for one in sealed) >= FEW_LOST * 20 * INSIDE


def test_joins_leaves_and_new_pairings_between_messages(house: House) -> None:
    side, members = house.groups[0], house.members
    settle(house, side, members[:INSIDE])
    versions = set()
    for turn in range(3):
        settle(house, side, [*side.members[1:], members[INSIDE + turn]])  # one leaves, one joins
        members[INSIDE].user.pair()
        until(house, lambda: at_rest(house) and members[INSIDE].user.due is None)
        inside = {member.identity for member in side.members}
        sealed = outcomes(house, tell(house, side, 10 * turn))
        assert [set(one.told) for one in sealed] == [inside] * MESSAGES
        assert sum(len(one.acted) for one in sealed) >= FEW_LOST * MESSAGES * len(inside)
        versions |= {one.place.version for one in sealed}
    assert len(versions) == 3


def test_restarts_of_hub_and_members_while_messages_are_on_their_way(house: House) -> None:
    side = house.groups[0]
    settle(house, side, house.members[:INSIDE])
    bodies = []
    for turn in range(1, 5):
        bodies += [b"before %d.%d" % (turn, number) for number in range(MESSAGES)]
        for body in bodies[-MESSAGES:]:
            house.send(side, MessageType.TEXT, body)
        for _ in range(300 * turn):
            house.step()
        for member in side.members[turn::3]:
            member.restart_device()
        (house.hub_ended, house.settle)[turn % 2]()
        until(house, lambda: at_rest(house))
    assert max(map(len, misses(outcomes(house, bodies)))) <= GROUP_SKIP_MAX
    again = outcomes(house, tell(house, side, 0))
    assert sum(len(one.acted) for one in again) >= FEW_LOST * MESSAGES * INSIDE


def misses(sealed: list[Sealed]) -> Iterator[list[int]]:
    """Yield the numbers that one member has missed in a row, of each member and version; at least nothing."""
    yield []
    for identity in {identity for one in sealed for identity in one.roster}:
        missed = [(one.place.version, one.place.n) for one in sealed if identity in one.roster and not one.acted[identity]]
        for _, row in groupby(enumerate(missed), key=lambda entry: (entry[1][0], entry[1][1] - entry[0])):
            yield [n for _, (_, n) in row]


def test_who_was_away_for_64_messages_misses_none_and_for_more_only_the_oldest(house: House) -> None:
    side, away = house.groups[0], house.members[0]
    settle(house, side, house.members[:2])
    away.absent(3_600.0)
    bodies = tell(house, side, 0, GROUP_SKIP_MAX + 3)
    missed = [one.place.n for one in outcomes(house, bodies) if not one.acted[away.identity]]
    assert missed == [0, 1, 2]


def test_replays_forgeries_and_commands_are_silent(house: House) -> None:
    """`GroupEve` compares the whole state of a device before and after."""
    side = house.groups[0]
    settle(house, side, house.members[:INSIDE])
    tell(house, side, 0)
    eve, faults = GroupEve(house, house.rng), GroupFaults(house, house.rng)
    for _ in range(60):
        faults.send(side)
        for outsider in [member for member in house.members[INSIDE:] if not member.linked]:
            outsider.connect()
        for act in (eve.carry, eve.spoil, eve.forge, eve.command):
            act()
        for _ in range(10):
            house.step()
    until(house, lambda: at_rest(house))
    kinds = ("carried to an outsider", "carried to a member", "spoiled", "forged", "command of a member")
    assert min(house.counts.faults[f"group: {what}"] for what in kinds) > 10

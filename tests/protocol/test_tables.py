"""Legality stands in the tables, and what is not in them changes nothing (architecture.md)."""

from collections.abc import Callable
from itertools import product
import random

import pytest

from custom_components.self_secure.protocol import tables
from custom_components.self_secure.protocol.epochs import EpochChange
from custom_components.self_secure.protocol.errors import UnexpectedError
from custom_components.self_secure.protocol.events import FrameDropped
from custom_components.self_secure.protocol.messaging import Messaging
from custom_components.self_secure.protocol.negotiation import Negotiation
from custom_components.self_secure.protocol.packets import FrameType
from custom_components.self_secure.protocol.tables import (
    COMMUNICATION,
    NEGOTIATION,
    RESUME,
    NegotiationState,
    ResumeState,
    SenderState,
    handler_of,
)

from .bench import LOSS, PAYLOAD, Bench, any_frame
from .frozen import freeze
from .renewal import Renewing

N, S, R = NegotiationState, SenderState, ResumeState
MACHINES = [(NEGOTIATION, Negotiation, N), (COMMUNICATION, Messaging, S), (RESUME, EpochChange, R)]


@pytest.mark.parametrize(("table", "machine", "states"), MACHINES)
def test_every_handler_exists_and_every_state_is_one_of_the_machine(
    table: tables.Table[tables.NegotiationState], machine: type, states: type[tables.NegotiationState]
) -> None:
    assert [name for name, _ in table.values() if not callable(getattr(machine, name, None))] == []
    assert {state for state, _ in table} | {state for _, after in table.values() for state in after} <= set(states)


@pytest.mark.parametrize(("table", "machine", "states"), MACHINES)
def test_every_handler_stands_in_the_table(
    table: tables.Table[tables.NegotiationState], machine: type, states: type[tables.NegotiationState]
) -> None:
    assert {name for name in vars(machine) if name.startswith("on_")} == {name for name, _ in table.values()}


@pytest.mark.parametrize(("state", "kind"), sorted(set(product(N, FrameType)) - set(NEGOTIATION)))
def test_what_is_not_in_the_table_has_no_handler(state: NegotiationState, kind: FrameType) -> None:
    with pytest.raises(UnexpectedError, match=kind.name):
        handler_of(NEGOTIATION, state, kind)


def unchanged(bench: Bench, kind: FrameType) -> None:
    """Feed a frame and compare everything."""
    before, sent = freeze(bench.hub.connection), len(bench.frames)
    told = bench.receive(any_frame(kind))
    assert [type(event) for event in told] == [FrameDropped]
    assert freeze(bench.hub.connection) == before
    assert len(bench.frames) == sent
    assert bench.hub.connection.statistics.dropped == 1


STEPS = {N.WAITING: 1, N.COLLECTING: 2, N.RESPONDED: 3, N.ENDED: 4, N.COMPARING: 5}


@pytest.mark.parametrize(("state", "kind"), [pair for pair in product(STEPS, FrameType) if pair not in NEGOTIATION])
def test_a_frame_out_of_state_in_a_negotiation_changes_nothing(state: NegotiationState, kind: FrameType) -> None:
    bench = Bench()
    bench.reach(STEPS[state])
    bench.call("link_opened", PAYLOAD)
    assert bench.negotiation.state is state
    unchanged(bench, kind)


@pytest.mark.parametrize("kind", sorted(set(FrameType) - {FrameType.REQ}))
def test_a_frame_after_the_end_changes_nothing(kind: FrameType) -> None:
    bench = Bench()
    bench.open()
    bench.call("cancel_pairing")
    unchanged(bench, kind)


@pytest.mark.parametrize("kind", sorted(set(FrameType) - {FrameType.REQ}))
def test_a_frame_after_a_pairing_without_a_code_changes_nothing(kind: FrameType) -> None:
    bench = Bench(suites=(LOSS,), floor=LOSS)
    bench.reach(5)
    unchanged(bench, kind)


def paired(state: SenderState) -> Bench:
    """A hub whose chain is in `state`: VERIFIED is outstanding from the start."""
    bench = Bench(omega=0)
    bench.pair()
    bench.wait({S.IDLE: 0, S.OUTSTANDING: 0, S.FROZEN: 3}[state])
    renewing = Renewing(bench)
    for step in {S.IDLE: [renewing.acknowledge], S.OUTSTANDING: [], S.FROZEN: []}[state]:
        step()
    session = bench.hub.connection._messaging.memory.session  # type: ignore[union-attr]  # it is paired
    assert session is not None
    assert session.sending.state is state
    return bench


@pytest.mark.parametrize(
    ("state", "kind"), [pair for pair in product(S, FrameType) if pair not in COMMUNICATION and pair[1] is not FrameType.REQ]
)
def test_a_frame_out_of_state_on_a_chain_changes_nothing(state: SenderState, kind: FrameType) -> None:
    bench = paired(state)
    unchanged(bench, kind)


@pytest.mark.parametrize(
    ("state", "kind"),
    [pair for pair in product(R, FrameType) if pair not in RESUME and pair[1] not in (FrameType.REQ, FrameType.DATA, FrameType.DACK)],
)
def test_a_frame_out_of_state_in_a_resume_changes_nothing(state: ResumeState, kind: FrameType) -> None:
    renewing = Renewing.after_restart(random.Random(3))
    steps: dict[ResumeState, list[Callable[[], object]]] = {R.IDLE: [renewing.complete], R.CHALLENGED: [], R.ANSWERED: [renewing.offer]}
    for step in steps[state]:
        step()
    unchanged(renewing.bench, kind)


def test_each_legal_pair_was_reached() -> None:
    """The product above is whole: every row of every table begins in a state that the tests reach."""
    assert {state for state, _ in NEGOTIATION} <= set(STEPS)
    assert {state for state, _ in RESUME} <= set(R)
    assert {state for state, _ in COMMUNICATION} == set(S)

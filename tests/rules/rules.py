"""The broken rules: what is replaced by what, in which file, and which tests have to notice."""

from dataclasses import dataclass
from typing import Final

HUB: Final = "custom_components/self_secure/protocol/"
DEVICE: Final = "device/self_secure_device/"
SOAK: Final = "tests/hostile/test_soak.py"


@dataclass(frozen=True)
class Rule:
    """One rule, and one change that breaks it; `old` stands exactly once in `path`."""

    name: str
    source: str  # of the rule
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


RULES: Final = (
    Rule(
        "ack not bound to the attempt",
        "protocol.md 6 rule 2",
        HUB + "session.py",
        "        attempt = self._attempts[number]\n",
        "        attempt = self._attempts[-1]\n",
        ("tests/protocol/test_session.py", SOAK),
    ),
    Rule(
        "chain restarted from storage",
        "protocol.md 7",
        HUB + "connection.py",
        "            self._messaging = self._messaging_of(state)\n",
        "            self._messaging = self._messaging_of(state)\n"
        "            newest = state.pairings[0]\n"
        "            from .keys import RootKey\n"
        "            for epoch, key in newest.keys.items():\n"
        "                self._messaging.memory.start(newest, RootKey(key.raw), epoch, 0.0)\n",
        (SOAK,),
    ),
    Rule(
        "missing challenge",
        "protocol.md 7, R1",
        HUB + "resume.py",
        '        verify(self._n_r, offer.n_r, "n_R")\n',
        "",
        ("tests/protocol/test_resume.py", SOAK),
    ),
    Rule(
        "old root dropped early",
        "protocol.md 7: R writes {SK_e*, SK_e'} before R2",
        HUB + "snapshot.py",
        "            self.keep_epochs(pairing, (resumed.base.epoch, resumed.epoch))\n",
        "            self.keep_epochs(pairing, (resumed.epoch,))\n",
        ("tests/protocol/test_epochs.py", SOAK),
    ),
    Rule(
        "write after send",
        "protocol.md 7: never uses a state that it has not on disk first",
        HUB + "epochs.py",
        "        self._memory.save()\n        self._wire.transmit(answer.frame)\n",
        "        self._wire.transmit(answer.frame)\n        self._memory.save()\n",
        ("tests/protocol/test_outbox.py", "tests/protocol/test_epochs.py", SOAK),
    ),
    Rule(
        "blacklist instead of candidates",
        "protocol.md 5 rule 1",
        HUB + "collection.py",
        "        if self.rule.blacklists or twin or ",
        "        if known or ",
        ("tests/protocol/test_collection.py",),
    ),
    Rule(
        "no minimum on the initiator",
        "protocol.md 5 rule 2",
        DEVICE + "agreement.py",
        "        if len(self._members) < machine.accept.minimum:\n",
        "        if self._members is None:\n",
        ("tests/device/test_negotiation.py",),
    ),
    Rule(
        "commitment not checked",
        "protocol.md 5 rule 10",
        HUB + "agreement.py",
        '        verify(confirmed.commitment, commitment(frame.message, confirmed.th_3), "commitment")\n',
        "",
        ("tests/hostile/test_cheating.py",),
    ),
    Rule(
        "attempt number reused after a reconnect",
        "protocol.md 6 rule 3",
        HUB + "messaging.py",
        "        if session and session.sending.state is SenderState.OUTSTANDING and not self.epochs.overdue:\n",
        "        if session and session.sending.state is SenderState.OUTSTANDING and not self.epochs.overdue:\n"
        "            session.sending._attempts.clear()\n",
        ("tests/protocol/test_queue.py", "tests/protocol/test_session.py", SOAK),
    ),
    Rule(
        "step before tag",
        "protocol.md 6 rule 5",
        HUB + "session.py",
        "        opened = suite.open(chain, context, packet)\n",
        "        self.chain = suite.step(chain, context, 0, bytes(32), b'', b'')\n        opened = suite.open(chain, context, packet)\n",
        ("tests/protocol/test_session.py", "tests/hostile/test_states.py"),
    ),
    Rule(
        "first R1 does not burn its nonce",
        "protocol.md 7",
        HUB + "tables.py",
        '    (_R.ANSWERED, FrameType.R1): ("on_repeated_offer", ',
        '    (_R.ANSWERED, FrameType.R1): ("on_offer", ',
        ("tests/protocol/test_epochs.py", "tests/protocol/test_once.py", "tests/protocol/test_resume.py"),
    ),
    Rule(
        "pending key used before the user's answer",
        "protocol.md 5 rule 7",
        HUB + "connection.py",
        "            self._outbox.put(CodeReady(outcome.identity, outcome.code), LinkUnneeded())\n",
        "            self._outbox.put(CodeReady(outcome.identity, outcome.code), LinkUnneeded())\n"
        "            self._adopt(outcome, False, now)\n",
        ("tests/protocol/test_pairings.py", SOAK),
    ),
)

"""The numbers of the threat model and of protocol.md 11, recomputed."""

from pathlib import Path

from experiments import secrecy

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_is_what_the_command_prints() -> None:
    text = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    assert "\n".join(secrecy.rows(200)) in text


def test_the_claim_of_protocol_11() -> None:
    bits = [secrecy.secrecy_bits(200, percent / 100) for percent in (20, 5, 1)]
    assert [round(bits[0]), round(bits[1]), round(bits[2], 1)] == [64, 15, 2.9]


def test_the_probabilities_in_words() -> None:
    assert f"{secrecy.all_heard(200, 0.2):.0e}" == "4e-20"
    assert round(1 / secrecy.all_heard(200, 0.05), -2) == 28_500
    assert round(secrecy.all_heard(200, 0.01), 2) == 0.13

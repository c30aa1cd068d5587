"""Runs under MicroPython: ``on_micropython.py REPOSITORY FILE`` prints each case's answer as one JSON line.

The checks are ``device_cases.py`` itself and the device's core is the same files, so only the interpreter differs. Both are
written in MicroPython's subset; what they name from ``typing``, ``types`` and ``collections.abc`` stands here, because
annotations are not evaluated but imports are.
"""

import json
import sys


class Annotation:
    """Takes the place of a type: ``Mapping[str, Any]`` is only written, never used."""

    def __getitem__(self, item: object) -> Annotation:
        return self


class Namespace:
    """``types.SimpleNamespace``."""

    def __init__(self, **attributes: object) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)


def stand_in(name: str, **attributes: object) -> None:
    """Make an importable module of these attributes."""
    sys.modules[name] = Namespace(**attributes)  # type: ignore[assignment]  # MicroPython takes any object for a module


def answer(kinds: dict[str, object], case: dict[str, object]) -> dict[str, object]:
    """Return ``out``, or ``error`` with the exception."""
    try:
        return {"out": kinds[case["kind"]](case["in"])}  # type: ignore[index, operator]  # MicroPython knows no Callable
    except Exception as error:  # noqa: BLE001  # a damaged case must not hide the others
        return {"error": repr(error)}


def main(repository: str, path: str) -> None:
    """Answer every case of a kind that the device knows, by its number."""
    stand_in("typing", Any=None)
    stand_in("types", SimpleNamespace=Namespace)
    stand_in("collections.abc", Mapping=Annotation(), Sequence=Annotation())
    stand_in("self_secure_device_linux")  # only brings `cryptolib`, which is MicroPython's own here
    sys.path[:0] = [repository, repository + "/device"]
    from tests.vectors import device_cases  # noqa: PLC0415  # not before the stand-ins are there

    with open(path) as file:  # noqa: PTH123  # MicroPython has no pathlib
        cases = json.load(file)["cases"]
    for number, case in enumerate(cases):
        if case["kind"] in device_cases.KINDS:
            answered = answer(device_cases.KINDS, case)  # type: ignore[arg-type]  # a dict of functions
            answered["number"] = number
            print(json.dumps(answered))


main(sys.argv[1], sys.argv[2])

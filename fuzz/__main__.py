"""Fuzz one target: python -m fuzz TARGET [--seconds N] [--runs N].

The committed corpus and the samples of the module are the start; what is found on the way goes to `--keep FOLDER`, or nowhere.
"""

import argparse
import importlib
from pathlib import Path
import sys
import tempfile
from typing import Final

import atheris  # type: ignore[import-untyped]  # it has no types

CORPUS: Final = Path(__file__).parent / "corpus"
LONGEST: Final = 4096  # bytes of an input


def arguments() -> argparse.Namespace:
    """Return what the user asks for."""
    names = sorted(path.name for path in CORPUS.iterdir())
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=names)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=-1, help="end after so many inputs")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--keep", type=Path, help="keep what reaches new code here")
    return parser.parse_args()


def main() -> None:
    """Fuzz; ends with status 0 when the time is over, with the input that broke the invariant otherwise."""
    given = arguments()
    with atheris.instrument_imports(include=["custom_components.self_secure", "self_secure_device"], enable_loader_override=False):
        run = importlib.import_module(f"fuzz.{given.target}").run
    found = given.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    options = [
        f"-max_total_time={given.seconds}",
        f"-runs={given.runs}",
        f"-seed={given.seed}",
        f"-max_len={LONGEST}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found}/", str(found), str(CORPUS / given.target)], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

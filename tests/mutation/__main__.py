"""Mutate the protocol in a copy of the tree, print the survivors; exit 0 only if docs/mutation.md gives a reason for each.

It takes about half an hour on two cores, which is why it is not in CI.
"""

import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Final

from tests.rules.breaking import ROOMS, ROOT, copy_of_the_tree

from .survivors import Survivor, listed, of_diff

PAGE: Final = ROOT / "docs" / "mutation.md"
PROTOCOL: Final = "custom_components/self_secure/protocol/"
MODULES: Final = ("sets.py", "framing.py", "keys.py", "session.py", "resume.py", "suites/loss.py")
CHILDREN: Final = 2
PATIENCE: Final = 3_600  # s
OUTPUT: Final = 4_000  # characters of a run that did not start
CONFIGURATION: Final = """
[tool.mutmut]
source_paths = ["custom_components"]
only_mutate = [{modules}]
also_copy = [{rooms}, "pyproject.toml"]
do_not_mutate_patterns = ['^\\s*raise \\w+Error\\(.*\\)$']  # the text of an error
pytest_add_cli_args = ["-p", "no:homeassistant", "-p", "no:cacheprovider", "--ignore=tests/protocol/test_purity.py"]  # mutmut adds imports
pytest_add_cli_args_test_selection = ["tests/protocol", "tests/vectors", "tests/mutation/test_closed.py"]
"""


def mutmut(tree: Path, *arguments: str) -> str:
    """Run mutmut in `tree`; return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(tree / "mutants" / "device")}
    program = shutil.which("mutmut", path=str(Path(sys.executable).parent))
    if program is None:
        raise SystemExit("mutmut is not installed: uv pip install mutmut")
    done = subprocess.run([program, *arguments], cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # the tool that this is for
    return done.stdout


def survivors(tree: Path) -> list[Survivor]:
    """Mutate everything in `tree` and return what no test has noticed."""
    quoted = [", ".join(f'"{name}"' for name in names) for names in ([PROTOCOL + name for name in MODULES], ROOMS)]
    with (tree / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(modules=quoted[0], rooms=quoted[1]))
    said = mutmut(tree, "run", "--max-children", str(CHILDREN))
    if "mutations/second" not in said:
        raise SystemExit(said[-OUTPUT:])
    print(said.split("\r")[-1].strip())
    names = [line.split(":")[0].strip() for line in mutmut(tree, "results").splitlines() if "survived" in line or "no tests" in line]
    return [of_diff(_module(name), mutmut(tree, "show", name)) for name in names]


def _module(name: str) -> str:
    """Return "suites/loss.py" of a mutant's name "custom_components.self_secure.protocol.suites.loss.xǁ…"."""
    return name.removeprefix(PROTOCOL.replace("/", ".")).rpartition(".")[0].replace(".", "/") + ".py"


def main() -> int:
    """Print every survivor without a reason."""
    with copy_of_the_tree() as tree:
        found = set(survivors(tree))
    known = listed(PAGE)
    for survivor in sorted(found - known):
        print(survivor.row)
    print(f"{len(found)} survived, {len(found - known)} without a reason; {len(known - found)} reasons are not needed any more")
    return len(found - known)


if __name__ == "__main__":
    sys.exit(main())

"""How survivors are read from mutmut and found in docs/mutation.md."""

from pathlib import Path

import pytest

from .survivors import Survivor, listed, of_diff

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "custom_components" / "self_secure" / "protocol"
LISTED = sorted(listed(ROOT / "docs" / "mutation.md"))
DIFF = """\
--- sets.py
+++ sets.py
@@ -1,2 +1,2 @@
 def f(x):
-    return x | 1
+    return x & 1
"""


def test_a_diff_is_one_survivor() -> None:
    assert of_diff("sets.py", DIFF) == Survivor("sets.py", "return x ∣ 1", "return x & 1")  # noqa: RUF001  # it stands for a bar in a table


def test_a_row_is_read_as_it_was_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(of_diff("sets.py", DIFF).row + " because |\n", encoding="utf-8")
    assert listed(page) == {of_diff("sets.py", DIFF)}


def test_the_page_lists_some() -> None:
    assert len(LISTED) > 5


@pytest.mark.parametrize("survivor", LISTED, ids=str)
def test_a_listed_line_is_still_there(survivor: Survivor) -> None:
    assert survivor.old.replace("∣", "|") in (PROTOCOL / survivor.module).read_text(encoding="utf-8")  # noqa: RUF001  # as above

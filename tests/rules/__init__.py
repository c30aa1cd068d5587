"""Twelve rules of the specification, each broken on purpose in a copy of the tree: the test-suite must notice (scripts/broken-rules)."""

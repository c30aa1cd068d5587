"""Commands that measure: the paper's evaluation and ours."""

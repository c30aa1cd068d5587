"""Eve at other places: what she misses of the broadcast, and what a stolen key is worth to her."""

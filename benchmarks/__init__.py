"""How fast it is, beside comparable libraries and beside its own primitives, and how it grows."""

"""The channel itself: the paper's Fig. 7 in simulation, and the same on real adapters."""

"""The paper's Table 2, measured: what a key update costs on the air, in CPU time and on disk, as things grow."""

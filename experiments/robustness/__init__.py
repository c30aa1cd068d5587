"""The paper announces a robustness experiment and shows none: here every write and every frame is a place to fail at."""

"""A hub with several devices and groups of them: each device is a world of the soak, and one clock, one hub's life and the groups join them."""

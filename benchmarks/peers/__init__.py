"""Libraries that do something comparable, driven as their own users drive them."""

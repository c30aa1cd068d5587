"""Home Assistant as a person sees it: a headless Chromium, and an object for each page that people use."""

"""Pictures of what a user sees, made by walking the user's way in a headless Chromium."""

"""One folder per provider, found by looking, never listed."""

"""The classification itself, by what a table is about. A new column stands here or CI fails."""

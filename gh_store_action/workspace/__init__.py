"""The checked-out files, and git."""

"""Moves objects: from gh-store's format to this one, and to a new issue when the old one is full."""

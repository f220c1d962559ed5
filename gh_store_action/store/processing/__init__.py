"""Runs the rounds of one object, or of many at the same time."""

"""Exports: the whole store, objects and logs, as files for other programs."""

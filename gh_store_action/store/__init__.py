"""The library: one verb, one room."""

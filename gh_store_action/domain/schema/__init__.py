"""JSON Schema for objects."""

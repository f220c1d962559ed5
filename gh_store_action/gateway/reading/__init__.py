"""Turns responses into records, and lists issues."""

"""Answers to records, and pages of issues."""

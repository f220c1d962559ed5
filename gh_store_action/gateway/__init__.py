"""GitHub: requests out, records in."""

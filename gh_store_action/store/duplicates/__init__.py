"""Issues for the same object: finds and merges them."""

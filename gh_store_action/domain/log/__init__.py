"""The log of an object: what its comments say, and how they fold."""

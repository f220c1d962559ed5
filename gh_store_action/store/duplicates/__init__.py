"""Issues that stand for one object: which they are, and how they become one again."""

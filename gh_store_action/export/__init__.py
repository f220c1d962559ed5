"""Ways out: the whole store, objects and logs, as files that other programs read."""

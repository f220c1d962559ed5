"""Measures requests, bytes, time and memory against the loopback GitHub, beside gh-store 0.11.3: `make bench`."""

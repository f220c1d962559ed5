"""GitHub as issue forms need it."""

"""The library's verbs, one module each."""

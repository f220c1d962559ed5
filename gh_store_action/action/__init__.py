"""The action: the runner's environment to a mode, and what the mode did to a report."""

"""The action: it turns the runner's environment into a mode, and what the mode did into a report."""

"""The library, on top of what the action and the command also use."""

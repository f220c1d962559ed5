"""The library's face, over what the action and the command work with too."""

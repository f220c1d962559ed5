"""An object's past states, and whether its log agrees."""

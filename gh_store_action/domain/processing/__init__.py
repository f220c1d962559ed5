"""From one read of an issue to what has to be written."""

"""From one read of an issue to what must be written."""

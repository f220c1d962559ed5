"""Issue forms: their answers become objects and updates."""

"""Issue forms as the way in: their answers become updates of objects."""

"""Issue forms: what somebody answered, and what the store makes of it."""

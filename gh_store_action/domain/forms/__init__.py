"""Issue forms: a person's answers, and what the store makes of them."""

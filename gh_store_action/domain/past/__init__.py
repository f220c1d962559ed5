"""What an object was, and whether its log agrees."""

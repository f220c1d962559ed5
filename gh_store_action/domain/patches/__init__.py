"""How an update changes an object."""

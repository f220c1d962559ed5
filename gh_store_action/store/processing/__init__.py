"""What one object's rounds ask of GitHub, for one object and for many at once."""

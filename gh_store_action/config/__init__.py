"""The store's YAML configuration."""

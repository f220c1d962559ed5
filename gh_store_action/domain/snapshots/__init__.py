"""All objects as of one moment, and the files that hold them."""

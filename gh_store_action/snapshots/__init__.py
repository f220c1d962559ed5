"""All objects to files, and the files to a commit."""

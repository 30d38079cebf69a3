"""The nodes of a folder as containers: what they find in them, the compose file, and how it is run."""

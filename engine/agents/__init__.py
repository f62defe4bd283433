"""Anything that acts: rules and networks, and what they score and do. No files in here."""

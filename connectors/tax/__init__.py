"""Tax: what a person earned in a year."""

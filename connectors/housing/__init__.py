"""Housing transaction system: the city's building table, read from its database, and marks written back to it."""

"""The floor everything stands on: database, clock, money, ids, errors, operations, checks, actors, settings."""

"""Searches of the REST API: filters, stable order and cursors over indexed rows, within the actor's offices."""

"""The case file: case, task, journal, document, incident, clock."""

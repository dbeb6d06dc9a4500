"""Loops: claim a job, or a tick of the clock, then dispatch a command."""

"""Roles that more than one command asks for."""

from __future__ import annotations

# A program that works jobs, sends messages and begins instances.
INTEGRATOR = "integrator"

"""Public security: identity and household of a person."""

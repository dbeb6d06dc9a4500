"""Real-estate registry: the homes that people own."""

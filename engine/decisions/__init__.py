"""DMN: tables that decide and explain themselves."""

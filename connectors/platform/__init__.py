"""Government service platform: cases come down, files are fetched, and every step is reported in its order."""

"""Many rows, one run: chunks, control totals, exceptions."""

"""What is true: households, eligibilities, waiting lists, homes, leases, ledgers."""

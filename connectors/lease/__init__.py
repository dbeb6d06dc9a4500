"""Lease filing: leases reported for filing, and what is filed."""

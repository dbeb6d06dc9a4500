"""What the declaring folders say, stored by content hash, as releases."""

"""Map: where an address is, and what address a place has (Baidu web service)."""

"""Electronic seal: signs and verifies our PDF documents."""

"""Electronic signing: contracts signed by people, papers sealed by themselves, opinions with a certificate."""

"""What colleagues do to each other's tasks beside completing them: add signers, hand on, return, take back, tell."""

"""What every call to another party needs: ledger, evidence, breaker, outbox, pending answers."""

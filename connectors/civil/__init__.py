"""Civil affairs (民政): marriage, hardship, cremation."""

"""SMS platform: messages by template, with receipts."""

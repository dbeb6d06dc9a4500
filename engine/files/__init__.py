"""Attachments and documents: content-addressed, written before the commit, orphans swept."""

"""The only importer of SpiffWorkflow: parse, load, advance, save."""

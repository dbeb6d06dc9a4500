"""What each BPMN element does: subclasses of SpiffWorkflow's task specification, immutable once built."""

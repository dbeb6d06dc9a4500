"""What the connectors share: transports, signatures, evidence, settings, and the machinery of the simulators."""

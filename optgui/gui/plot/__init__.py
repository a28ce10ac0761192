"""Pictures: maps, curves, digits. Each draws frozen numpy arrays and knows no engine."""

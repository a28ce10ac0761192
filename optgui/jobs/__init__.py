"""Time: advances an engine inside a thread and brings its records to the window. No widgets, no torch."""

"""The parts of the surface tab: playing a race, its curves, its numbers."""

"""The parts of the training tab: curves, checkpoints, what a step is, what is inside."""

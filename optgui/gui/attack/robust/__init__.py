"""The page of the whole test set."""

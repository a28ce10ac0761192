"""The page of two networks side by side."""

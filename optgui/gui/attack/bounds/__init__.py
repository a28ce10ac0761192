"""The page of the smallest epsilon."""

"""The page of the plane through the digit."""

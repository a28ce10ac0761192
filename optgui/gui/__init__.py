"""The screen: forms, pictures and the three tabs."""

"""The page of the film, and the curves below it."""

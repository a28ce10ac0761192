"""See optimization happen: descent on surfaces, a network learning digits, an attack that fools it."""

__version__ = "0.1.0"

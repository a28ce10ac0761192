"""Forms built from the parameters of a config."""

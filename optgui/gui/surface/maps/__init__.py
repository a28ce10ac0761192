"""The pages of maps: basins, rate sweep, rate map and tuner."""

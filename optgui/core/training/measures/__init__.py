"""What can be measured of a network while it trains: curvature, gradient noise, learning rates, its inside.

Every measure takes the network behind normalization and normalized images, both on one device, leaves
them as they are and draws from generators of its own. Work longer than a few milliseconds is a generator
that yields after each slice and returns its result; `finish` runs one in one go.
"""

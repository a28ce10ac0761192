"""The page that tells whether the attack's number can be trusted."""

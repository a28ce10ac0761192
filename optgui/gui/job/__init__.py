"""One job on screen: its form, its run bar and its controller, wired once."""

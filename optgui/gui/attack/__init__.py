"""Parts of the attack tab."""

"""ROMs: making them from their sources, reading them, and the lock over the shipped ones."""

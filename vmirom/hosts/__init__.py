"""Where a boot runs, what came of it, and why a host can't be used here."""

"""What a run did, as events."""

"""The embedded hypervisors. Know numbers, structures and state; nothing of an engine's library."""

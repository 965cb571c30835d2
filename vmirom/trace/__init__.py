"""What a run did, as events: each paravirt call, and the hypercalls it became beneath it."""

"""From clauses to outcomes: which checks answer for what, what a run says of each, what is covered."""

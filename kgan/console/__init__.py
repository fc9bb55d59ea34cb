"""What the terminal shows: one file a command; progress, tables."""

"""What a run leaves on disk: its folder, checkpoints, lines, pictures and scores."""

"""Pictures of the theory. Nothing here computes mathematics: it draws what `nclib.theory` gives."""

"""What makes the files that are stored with the book."""

"""Speed of the inner loops beside that of their peers."""

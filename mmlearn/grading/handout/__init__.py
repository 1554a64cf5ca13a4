"""What is handed out: labs for a class, and sources for those who use nbgrader."""

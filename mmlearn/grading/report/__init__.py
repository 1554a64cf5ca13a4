"""What is written down for students and instructors: the gradebook and the HTML pages."""

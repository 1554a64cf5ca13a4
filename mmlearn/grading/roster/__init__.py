"""What an instructor says of a class: who is in it, when a lab was due, marks by hand."""

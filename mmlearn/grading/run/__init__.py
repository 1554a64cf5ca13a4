"""A rebuilt notebook runs: in a worker process, its kernel in a box, watched and limited."""

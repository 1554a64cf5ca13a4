"""What is kept on disk: files, the cache, and saved methods."""

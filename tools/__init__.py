"""The maintainer's tools: the course's notebooks, the scoreboard's settings and its results."""

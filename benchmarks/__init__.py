"""Side-by-side measurements with peer libraries: `make bench` prints ratios."""

"""What was handed in: by whom, where the notebook is, and what stands in it."""

"""From a submission to a verdict: the notebook to run, the comparison, the status and points."""

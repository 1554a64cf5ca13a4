"""Grading of labs: rebuild a submission from the instructor's copy, run it, compare what it prints.

Importing this package is light: the parts that need Jupyter are imported when a notebook is graded.
"""

from mmlearn.grading.compare import compare_text

__all__ = ["compare_text"]

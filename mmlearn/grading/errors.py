"""What stops grading: one sentence for the person at the terminal, or for the student."""


class GradingError(ValueError):
    """Grading cannot go on; the message is one sentence for the person at the terminal."""


class UnreadableSubmission(Exception):
    """The file is no notebook that can be graded; the message is one sentence for the student."""

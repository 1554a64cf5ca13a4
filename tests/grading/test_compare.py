"""What the comparison of printed text accepts and rejects."""

import pytest

from mmlearn.grading.judge.compare import compare_text, first_difference


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("", ""),
        ("", " \n\n"),
        ("mAP 0.4000", "mAP 0.40001"),
        ("0.1\n", "0.1"),
        ("a  \nb", "a\nb\n\n"),
        ("a\r\nb", "a\nb"),
        ("1e-3", "0.001"),
        ("1.5E+02", "150.0"),
        ("3", "3.0"),
        ("-1.0", "\u22121.0"),
        ("-0.0", "0.0"),
        ("-0.000 1.0", " 0.000 1.0"),
        ("[ 0.  1.]", "[-0.  1.]"),
        ("nan inf -inf", "NaN inf -Infinity"),
        (".5", "0.5"),
        ("0.0", "1e-9"),
        ("12ms", "12.001ms"),
        ("w\u00f6rter \U0001f642", "w\u00f6rter \U0001f642"),
    ],
)
def test_equal_up_to_tolerance_and_blanks(expected, got):
    assert compare_text(expected, got, 1e-3, 1e-6) is None


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("0.4", "0.5"),
        ("0.4", "-0.4"),
        ("1e3", "1e4"),
        ("nan", "0.0"),
        ("inf", "-inf"),
        ("inf", "1e308"),
        ("5000", "5001"),
        ("(5000, 64)", "(5001, 64)"),
        ("float32", "float64"),
        ("x1 y", "x2 y"),
        ("2020-01-05", "2020-01-06"),
        ("1 2", "12"),
        ("1.2.3", "1.2.4"),
        ("True", "False"),
        ("a b", "a  b"),
        ("banana", "ba0na"),
        ("info 1", "inf 1"),
        ("  a", "a"),
        ("9" * 5000, "9" * 4999 + "8"),
        ("0.5", ""),
        ("", "0.5"),
        ("0.5", "0.5\n0.5"),
        ("0.5\n0.5", "0.5"),
        ("0.5", "0.5 0.5"),
    ],
)
def test_different_text_or_numbers_are_told(expected, got):
    message = compare_text(expected, got, 1e-3, 1e-6)
    assert message
    assert "\n" not in message


def test_the_sentence_names_the_first_difference():
    assert compare_text("a\nx 1.0 2.0", "a\nx 1.0 2.5") == (
        "line 2: expected the number 2.0, got 2.5"
    )
    assert first_difference("a\nb", "a").line == 2


def test_tolerances_are_the_callers():
    assert compare_text("1.0", "1.04", rtol=0.05, atol=0) is None
    assert compare_text("1.0", "1.04", rtol=0.0, atol=0.01)
    assert compare_text("0.0", "0.009", rtol=0.0, atol=0.01) is None


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_senseless_tolerance_is_refused(bad):
    with pytest.raises(ValueError, match="rtol"):
        compare_text("1", "1", rtol=bad)


def test_a_long_number_is_compared_quickly():
    assert compare_text("0" * 200_000 + "5", "0" * 199_999 + "6")


def test_a_long_text_is_compared_quickly():
    text = "0.123 word " * 20_000
    assert compare_text(text, text.replace("0.123", "0.1230001")) is None

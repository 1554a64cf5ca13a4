"""Data with a known signal, and small networks, for the tests of several methods."""

import numpy as np

SMALL_NETWORK = {
    "n_components": 8,
    "hidden": 16,
    "dropout": 0.0,
    "epochs": 15,
    "batch_size": 60,
    "learning_rate": 0.01,
    "device": "cpu",
}


def class_data(rng, n=240, d_x=6, d_y=5, noise=0.7):
    """Four classes, the images' and texts' means of each unrelated: images, texts, labels."""
    means = np.random.default_rng(7)
    m_x, m_y = means.normal(size=(4, d_x)), means.normal(size=(4, d_y))
    labels = rng.integers(0, 4, n)
    x = m_x[labels] + noise * rng.normal(size=(n, d_x))
    return x, m_y[labels] + noise * rng.normal(size=(n, d_y)), labels

"""The course's one style, and the few pictures that every unit draws.

Colours are those of M. Okabe and K. Ito (Color universal design, 2008), told apart with every kind
of colour vision; whatever a colour says, a mark or a word says too. Each function returns a
matplotlib figure; matplotlib is loaded when one is called, not before.
"""

from mmlearn.plotting.embedding import embedding_map, scatter_embedding, tied_codes
from mmlearn.plotting.pictures import (
    bar_with_chance,
    picture_grid,
    query_rows,
    retrieval_strip,
    show_pairs,
)
from mmlearn.plotting.scenes import (
    attention_frames,
    attention_map,
    light_objects,
    plot_attention,
    plot_occlusion,
    plot_scene,
)
from mmlearn.plotting.style import COLOURS, use_style
from mmlearn.plotting.time import (
    plot_dispersion,
    plot_dispersion_by_size,
    plot_displacement,
    plot_drift,
    plot_trajectories,
)

__all__ = [
    "COLOURS",
    "attention_frames",
    "attention_map",
    "bar_with_chance",
    "embedding_map",
    "light_objects",
    "picture_grid",
    "plot_attention",
    "plot_dispersion",
    "plot_dispersion_by_size",
    "plot_displacement",
    "plot_drift",
    "plot_occlusion",
    "plot_scene",
    "plot_trajectories",
    "query_rows",
    "retrieval_strip",
    "scatter_embedding",
    "show_pairs",
    "tied_codes",
    "use_style",
]

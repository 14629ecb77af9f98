"""Static figures of the book, drawn with matplotlib from what `nclib.theory` computes."""

from nclib.views.figures.classes import (
    accuracy_map,
    accuracy_steps,
    class_regions,
    class_survival,
    lengths_against_count,
    lengths_against_lambda,
)
from nclib.views.figures.descent import descent_path, model_sketch, spread_cost, variability_path
from nclib.views.figures.geometry import (
    cosine_maps,
    features_in_the_plane,
    heat_maps,
    plane_geometry,
)
from nclib.views.figures.metrics import metric_floor
from nclib.views.figures.modes import (
    death_spread,
    mode_spectra,
    sample_size_map,
    survival_map,
    write_main_result,
)
from nclib.views.figures.rule import lemma_curves, scalar_costs, shrink_curves
from nclib.views.figures.spectrum import (
    count_profiles,
    interlacing,
    label_matrices,
    secular_curve,
    tail_spectra,
)

__all__ = [
    "accuracy_map",
    "accuracy_steps",
    "class_regions",
    "class_survival",
    "cosine_maps",
    "count_profiles",
    "death_spread",
    "descent_path",
    "features_in_the_plane",
    "heat_maps",
    "interlacing",
    "label_matrices",
    "lemma_curves",
    "lengths_against_count",
    "lengths_against_lambda",
    "metric_floor",
    "mode_spectra",
    "model_sketch",
    "plane_geometry",
    "sample_size_map",
    "scalar_costs",
    "secular_curve",
    "shrink_curves",
    "spread_cost",
    "survival_map",
    "tail_spectra",
    "variability_path",
    "write_main_result",
]

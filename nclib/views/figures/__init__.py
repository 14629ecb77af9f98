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
from nclib.views.figures.modes import (
    death_spread,
    mode_spectra,
    sample_size_map,
    survival_map,
    write_main_result,
)
from nclib.views.figures.proofs import (
    characteristic_polynomial,
    lemma_roots,
    marginal_costs,
    product_price,
    shared_penalty,
    splitting_path,
    staircase,
    trace_by_angle,
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
    "characteristic_polynomial",
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
    "lemma_roots",
    "lengths_against_count",
    "lengths_against_lambda",
    "marginal_costs",
    "mode_spectra",
    "model_sketch",
    "plane_geometry",
    "product_price",
    "sample_size_map",
    "scalar_costs",
    "secular_curve",
    "shared_penalty",
    "shrink_curves",
    "splitting_path",
    "spread_cost",
    "staircase",
    "survival_map",
    "tail_spectra",
    "trace_by_angle",
    "variability_path",
    "write_main_result",
]

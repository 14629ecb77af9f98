"""Static figures of the book, drawn with matplotlib from what `nclib.theory` computes."""

from nclib.views.figures.beyond import (
    accuracy_by_depth,
    basins,
    death_ranges,
    growing_class,
    hysteresis,
    penalised_bias_path,
    right_and_wrong,
    smallest_margins,
    tie_costs,
    two_class_phases,
)
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
from nclib.views.figures.your_data import (
    accuracy_by_class,
    distances_by_setting,
    metrics_by_epoch,
)

__all__ = [
    "accuracy_by_class",
    "accuracy_by_depth",
    "accuracy_map",
    "accuracy_steps",
    "basins",
    "characteristic_polynomial",
    "class_regions",
    "class_survival",
    "cosine_maps",
    "count_profiles",
    "death_ranges",
    "death_spread",
    "descent_path",
    "distances_by_setting",
    "features_in_the_plane",
    "growing_class",
    "heat_maps",
    "hysteresis",
    "interlacing",
    "label_matrices",
    "lemma_curves",
    "lemma_roots",
    "lengths_against_count",
    "lengths_against_lambda",
    "marginal_costs",
    "metric_floor",
    "metrics_by_epoch",
    "mode_spectra",
    "model_sketch",
    "penalised_bias_path",
    "plane_geometry",
    "product_price",
    "right_and_wrong",
    "sample_size_map",
    "scalar_costs",
    "secular_curve",
    "shared_penalty",
    "shrink_curves",
    "smallest_margins",
    "splitting_path",
    "spread_cost",
    "staircase",
    "survival_map",
    "tail_spectra",
    "tie_costs",
    "trace_by_angle",
    "two_class_phases",
    "variability_path",
    "write_main_result",
]

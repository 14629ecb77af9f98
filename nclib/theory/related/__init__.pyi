# The public names, one a line: what `nclib.theory.related` loads when they are first used.
from nclib.theory.related.landscape import CriticalPoint as CriticalPoint
from nclib.theory.related.landscape import FoundPoint as FoundPoint
from nclib.theory.related.landscape import critical_point as critical_point
from nclib.theory.related.landscape import minimise_factors as minimise_factors
from nclib.theory.related.layer_peeled import ConstrainedMinimizer as ConstrainedMinimizer
from nclib.theory.related.layer_peeled import collapse_bound as collapse_bound
from nclib.theory.related.layer_peeled import constrained_minimizer as constrained_minimizer
from nclib.theory.related.layer_peeled import layer_peeled_problem as layer_peeled_problem
from nclib.theory.related.layer_peeled import minority_collapse_ratio as minority_collapse_ratio
from nclib.theory.related.layer_peeled import norm_bounds as norm_bounds
from nclib.theory.related.max_margin import MaxMarginGeometry as MaxMarginGeometry
from nclib.theory.related.normalised import NormalisedProblem as NormalisedProblem
from nclib.theory.related.normalised import SpherePoint as SpherePoint

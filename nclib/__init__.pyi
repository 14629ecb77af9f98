# The public names, one a line: what `nclib` loads when they are first used, and what tools read.
from nclib import data as data
from nclib import diagnosis as diagnosis
from nclib import metrics as metrics
from nclib import teaching as teaching
from nclib import theory as theory
from nclib import training as training
from nclib import views as views
from nclib.data.penalties import translate_penalties as translate_penalties
from nclib.data.published import gallery as gallery
from nclib.data.readers import read_counts as read_counts
from nclib.data.script import script_model as script_model
from nclib.metrics.measuring import measure as measure
from nclib.theory.collapse import collapse_factors as collapse_factors
from nclib.theory.counts import ClassCounts as ClassCounts
from nclib.theory.descent import descend as descend
from nclib.theory.geometry import cosines as cosines
from nclib.theory.geometry import mode_coordinates as mode_coordinates
from nclib.theory.losses.objects import CrossEntropy as CrossEntropy
from nclib.theory.losses.objects import SquaredError as SquaredError
from nclib.theory.losses.optimum import loss_minimizer as loss_minimizer
from nclib.theory.losses.problem import LossProblem as LossProblem
from nclib.theory.margins import first_loss as first_loss
from nclib.theory.minimizer import Minimizer as Minimizer
from nclib.theory.minimizer import global_minimizer as global_minimizer
from nclib.theory.minimizer import local_minima as local_minima
from nclib.theory.optimum import class_outcomes as class_outcomes
from nclib.theory.problem import Problem as Problem
from nclib.theory.sample_counts import right_counts as right_counts
from nclib.theory.shrinkage import shrink as shrink
from nclib.theory.spectrum import Spectrum as Spectrum
from nclib.theory.spectrum import effective_label_matrix as effective_label_matrix
from nclib.training.monitor import Monitor as Monitor

__version__: str

# The public names, one a line: what `nclib.training` loads when they are first used.
from nclib.training.config import TrainingConfig as TrainingConfig
from nclib.training.data import load_images as load_images
from nclib.training.data import load_splits as load_splits
from nclib.training.engine import DivergenceError as DivergenceError
from nclib.training.engine import TrainingResult as TrainingResult
from nclib.training.engine import train as train
from nclib.training.experiment import Experiment as Experiment
from nclib.training.experiments import run as run
from nclib.training.experiments import sweep as sweep
from nclib.training.images import ImageData as ImageData
from nclib.training.images import imbalanced_subset as imbalanced_subset
from nclib.training.monitor import Monitor as Monitor
from nclib.training.paper import paper_figure as paper_figure
from nclib.training.results import Result as Result
from nclib.training.results import load_results as load_results

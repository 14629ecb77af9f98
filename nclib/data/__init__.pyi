# The public names, one a line: what `nclib.data` loads when they are first used.
from nclib.data.batches import batch_shares as batch_shares
from nclib.data.batches import last_batch_weight as last_batch_weight
from nclib.data.batches import weighted_sampler as weighted_sampler
from nclib.data.penalties import Penalties as Penalties
from nclib.data.penalties import translate_penalties as translate_penalties
from nclib.data.published import PublishedCounts as PublishedCounts
from nclib.data.published import gallery as gallery
from nclib.data.readers import read_counts as read_counts
from nclib.data.recognition import RecognisedLoss as RecognisedLoss
from nclib.data.recognition import labels_of_gradient as labels_of_gradient
from nclib.data.recognition import recognise_loss as recognise_loss
from nclib.data.script import ScriptModel as ScriptModel
from nclib.data.script import script_model as script_model
from nclib.data.weights import class_weights as class_weights

# The public names, one a line: what `nclib.data` loads when they are first used.
from nclib.data.penalties import Penalties as Penalties
from nclib.data.penalties import translate_penalties as translate_penalties
from nclib.data.published import PublishedCounts as PublishedCounts
from nclib.data.published import gallery as gallery
from nclib.data.readers import read_counts as read_counts

# The modules that are reached as attributes of `nclib.views`, loaded when first used.
from nclib.views import explorables as explorables
from nclib.views import figures as figures
from nclib.views import sandbox as sandbox
from nclib.views import tables as tables

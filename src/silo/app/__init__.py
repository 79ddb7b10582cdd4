"""The composition root: the only room that knows every other, and the processes they run in."""

from .cluster_archives import ClusterArchives as ClusterArchives
from .errors import CannotStart as CannotStart
from .run import Greet as Greet
from .run import find_running as find_running
from .run import run as run
from .run import verify_audit as verify_audit
from .teardown import end_groups as end_groups

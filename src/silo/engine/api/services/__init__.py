"""containerd's services as typed calls; written by tools/engine_api.py, not by hand."""

from .containers import Containers as Containers
from .content import Content as Content
from .diff import Diff as Diff
from .events import Events as Events
from .images import Images as Images
from .leases import Leases as Leases
from .namespaces import Namespaces as Namespaces
from .sandboxes import Store as Store
from .snapshots import Snapshots as Snapshots
from .tasks import Tasks as Tasks
from .version import Version as Version

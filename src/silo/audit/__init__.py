"""The tamper-evident log of every plane.

Nothing is ever changed or removed here, and no other room's tables are read.
"""

from .checkpoints import Checkpoints as Checkpoints
from .records import Record as Record
from .records import append as append
from .records import list_records as list_records
from .verification import Verification as Verification
from .verification import verify as verify

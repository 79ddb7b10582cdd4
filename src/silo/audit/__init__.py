"""The tamper-evident log of every plane.

Nothing is ever changed or removed here, and no other room's tables are read.
"""

from .records import Record as Record
from .records import Verification as Verification
from .records import append as append
from .records import list_records as list_records
from .records import verify as verify

"""What a running workload may do as itself: the identities of its resource, and their tokens.

For every kind of resource that runs something. No resource type, and no web framework, comes in.
"""

from .errors import FailedIdentityOperation as FailedIdentityOperation
from .errors import InvalidIdentityValues as InvalidIdentityValues
from .errors import MissingIdentityIds as MissingIdentityIds
from .errors import TicketRefused as TicketRefused
from .exec_door import ExecDoor as ExecDoor
from .exec_door import ExecSession as ExecSession
from .exec_tickets import ExecTickets as ExecTickets
from .exec_tickets import ExecWish as ExecWish
from .identities import Assigned as Assigned
from .identities import Assignment as Assignment
from .identities import check_assigned as check_assigned
from .identities import delete_identities as delete_identities
from .identities import list_assigned as list_assigned
from .identities import write_identities as write_identities
from .metadata import MetadataService as MetadataService
from .pull_credentials import PullCredentials as PullCredentials
from .pull_credentials import RegistryLogin as RegistryLogin

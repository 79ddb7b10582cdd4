"""Kubernetes clusters: upstream's own programs, as processes in namespaces of this machine.

It knows no HTTP framework and no Azure; whoever asks translates first.
"""

from .api import Api as Api
from .audit_trail import AuditPosition as AuditPosition
from .audit_trail import AuditReading as AuditReading
from .audit_trail import read_audit_trail as read_audit_trail
from .authentication import CREDENTIAL as CREDENTIAL
from .authentication import ISSUED as ISSUED
from .authentication import OBJECT_ID as OBJECT_ID
from .authentication import Directory as Directory
from .autoscaling import Grow as Grow
from .autoscaling import History as History
from .autoscaling import Pace as Pace
from .autoscaling import ScalablePool as ScalablePool
from .autoscaling import Shrink as Shrink
from .autoscaling import Snapshot as Snapshot
from .autoscaling import decide as decide
from .balancing import INNER_SPACE as INNER_SPACE
from .balancing import Addresses as Addresses
from .binaries import Kit as Kit
from .binaries import find_kits as find_kits
from .clusters import Clusters as Clusters
from .clusters import ListPlans as ListPlans
from .commands import COMMAND_LIFE as COMMAND_LIFE
from .commands import Command as Command
from .commands import CommandResult as CommandResult
from .commands import begin_command as begin_command
from .commands import find_command as find_command
from .credentials import render_admin as render_admin
from .credentials import render_brief_admin as render_brief_admin
from .credentials import render_person as render_person
from .credentials import render_token as render_token
from .errors import ClusterStarting as ClusterStarting
from .errors import DrainFailed as DrainFailed
from .errors import KubeError as KubeError
from .errors import ServiceRefused as ServiceRefused
from .errors import StepFailed as StepFailed
from .errors import UpgradeFailed as UpgradeFailed
from .errors import VersionMissing as VersionMissing
from .ground import Ground as Ground
from .ground import Serve as Serve
from .paths import ClusterPaths as ClusterPaths
from .plans import API_PORT as API_PORT
from .plans import DRAIN_S as DRAIN_S
from .plans import FIRST_NODE_PLACE as FIRST_NODE_PLACE
from .plans import MAX_PODS as MAX_PODS
from .plans import POD_SPACE as POD_SPACE
from .plans import SERVICE_SPACE as SERVICE_SPACE
from .plans import ClusterPlan as ClusterPlan
from .plans import NodePlan as NodePlan
from .plans import SignIn as SignIn
from .plans import Size as Size
from .runner import end_programs as end_programs
from .safeguards import POD_SECURITY_LEVELS as POD_SECURITY_LEVELS

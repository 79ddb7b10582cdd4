"""What runs containers: groups of them, their network, volumes and images, on one machine.

It knows no HTTP framework and no Azure; whoever asks translates first.
"""

from .containers import Basic as Basic
from .containers import Bearer as Bearer
from .containers import Credentials as Credentials
from .containers import Exit as Exit
from .containers import Found as Found
from .containers import Happening as Happening
from .containers import Image as Image
from .containers import Progress as Progress
from .containers import Size as Size
from .containers import Stats as Stats
from .containers import Status as Status
from .errors import ContainerMissing as ContainerMissing
from .errors import ContainerRefused as ContainerRefused
from .errors import EngineError as EngineError
from .errors import EngineUnavailable as EngineUnavailable
from .errors import ImageInaccessible as ImageInaccessible
from .git import GitFailed as GitFailed
from .git import GitRefused as GitRefused
from .git import GitRules as GitRules
from .mounts import KernelMounts as KernelMounts
from .mounts import MountFailed as MountFailed
from .mounts import Mounts as Mounts
from .plans import ContainerPlan as ContainerPlan
from .plans import EmptyDir as EmptyDir
from .plans import GitRepo as GitRepo
from .plans import GroupPlan as GroupPlan
from .plans import HttpGet as HttpGet
from .plans import Level as Level
from .plans import Mount as Mount
from .plans import NetworkPlan as NetworkPlan
from .plans import Port as Port
from .plans import Probe as Probe
from .plans import Protocol as Protocol
from .plans import Restart as Restart
from .plans import Secret as Secret
from .plans import Security as Security
from .plans import Share as Share
from .plans import VolumePlan as VolumePlan
from .plans import Wanted as Wanted
from .specs import Place as Place
from .specs import build_spec as build_spec
from .views import ContainerState as ContainerState
from .views import ContainerView as ContainerView
from .views import Event as Event
from .views import GroupState as GroupState
from .views import GroupView as GroupView
from .views import State as State
from .volumes import VolumeRefused as VolumeRefused
from .volumes import VolumeRules as VolumeRules
from .volumes import Volumes as Volumes

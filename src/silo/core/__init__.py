"""The ground floor: things that could leave this repository and still make sense.

Nothing here knows what a container, a tenant or a resource is.
"""

from .clock import Clock as Clock
from .clock import SystemClock as SystemClock
from .clock import parse_time as parse_time
from .clock import render_time as render_time
from .commits import Commits as Commits
from .errors import BodyError as BodyError
from .errors import BodyMalformed as BodyMalformed
from .errors import BodyTooLarge as BodyTooLarge
from .errors import BodyTooSlow as BodyTooSlow
from .errors import FilterMalformed as FilterMalformed
from .errors import SiloError as SiloError
from .errors import StoreFull as StoreFull
from .errors import StoreUnavailable as StoreUnavailable
from .errors import TokenExpired as TokenExpired
from .errors import TokenInvalid as TokenInvalid
from .http import iterate_body as iterate_body
from .http import parse_json as parse_json
from .http import parse_json_object as parse_json_object
from .http import read_body as read_body
from .keys import KeyRing as KeyRing
from .keys import verify_token as verify_token
from .keys import write_private as write_private
from .odata import find_property as find_property
from .odata import parse_filter as parse_filter
from .store import Connection as Connection
from .store import Store as Store
from .store import bump_generation as bump_generation
from .store import metadata as metadata
from .trees import remove_tree as remove_tree
from .trees import walk_tree as walk_tree
from .vault import Vault as Vault

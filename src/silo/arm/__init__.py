"""The grammar of ARM: ids, verbs, api-versions, etags, long-running operations, errors.

No resource type in it.
"""

from .authentication import Authenticate as Authenticate
from .documents import check_tags as check_tags
from .documents import render_resource as render_resource
from .documents import require_object as require_object
from .errors import ArmError as ArmError
from .errors import AuthenticationFailed as AuthenticationFailed
from .errors import AuthorizationFailed as AuthorizationFailed
from .errors import Conflict as Conflict
from .errors import ExpiredAuthenticationToken as ExpiredAuthenticationToken
from .errors import InvalidAuthenticationToken as InvalidAuthenticationToken
from .errors import InvalidFilterInQueryString as InvalidFilterInQueryString
from .errors import InvalidParameter as InvalidParameter
from .errors import InvalidRequestContent as InvalidRequestContent
from .errors import InvalidResourceId as InvalidResourceId
from .errors import InvalidResourceName as InvalidResourceName
from .errors import NotYet as NotYet
from .errors import ParentResourceNotFound as ParentResourceNotFound
from .errors import PreconditionFailed as PreconditionFailed
from .errors import ResourceGroupBeingDeleted as ResourceGroupBeingDeleted
from .errors import ResourceGroupNotFound as ResourceGroupNotFound
from .errors import ResourceNotFound as ResourceNotFound
from .errors import ScopeLocked as ScopeLocked
from .errors import SubscriptionNotFound as SubscriptionNotFound
from .gateway import Catalogue as Catalogue
from .gateway import Gateway as Gateway
from .listing import list_page as list_page
from .listing import page_items as page_items
from .locations import GLOBAL as GLOBAL
from .locations import LOCATIONS as LOCATIONS
from .locations import Location as Location
from .long_running import render_headers as render_headers
from .provider import Action as Action
from .provider import Call as Call
from .provider import Change as Change
from .provider import Handler as Handler
from .provider import Match as Match
from .provider import Operation as Operation
from .provider import Provider as Provider
from .provider import Reply as Reply
from .provider import ResourceType as ResourceType
from .reconciler import Reconciler as Reconciler
from .recorder import Recorder as Recorder
from .resource_id import ResourceId as ResourceId
from .resource_id import parse_resource_id as parse_resource_id
from .resources import Outcome as Outcome
from .resources import Resource as Resource
from .resources import Resources as Resources
from .resources import Stamp as Stamp
from .resources import make_stamp as make_stamp
from .routes import Routes as Routes
from .scopes import check_locks as check_locks
from .scopes import check_scope as check_scope

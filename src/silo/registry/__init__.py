"""The registry: OCI distribution and ACR's own data plane over one content store.

It knows registries by name and resource id; what a subscription or an api-version is stays out.
"""

from .collect import Collected as Collected
from .collect import collect as collect
from .door import RegistryDoor as RegistryDoor
from .gate import Audiences as Audiences
from .gate import SignIn as SignIn
from .permissions import Authorize as Authorize
from .registries import PASSWORD_NAMES as PASSWORD_NAMES
from .registries import AdminPassword as AdminPassword
from .registries import Registry as Registry
from .registries import delete_registry as delete_registry
from .registries import find_registry as find_registry
from .registries import get_registry as get_registry
from .registries import get_usage as get_usage
from .registries import list_admin_passwords as list_admin_passwords
from .registries import put_registry as put_registry
from .registries import set_admin_passwords as set_admin_passwords
from .routes import ListedRoute as ListedRoute
from .routes import routes as routes

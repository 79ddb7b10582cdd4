"""The file service: storage accounts' shares, their data plane, and their folders on disk.

It knows accounts by name and resource id; what a subscription or an api-version is stays out.
"""

from .accounts import KEY_NAMES as KEY_NAMES
from .accounts import Account as Account
from .accounts import Key as Key
from .accounts import delete_account as delete_account
from .accounts import find_account as find_account
from .accounts import get_account as get_account
from .accounts import list_keys as list_keys
from .accounts import put_account as put_account
from .accounts import set_keys as set_keys
from .door import StorageDoor as StorageDoor
from .errors import AuthenticationFailed as AuthenticationFailed
from .errors import ShareNotFound as ShareNotFound
from .errors import StorageError as StorageError
from .images import open_images as open_images
from .names import ACCOUNT as ACCOUNT
from .names import check_metadata as check_metadata
from .names import check_share as check_share
from .routes import ListedRoute as ListedRoute
from .routes import routes as routes
from .shares import DEFAULT_QUOTA_GIB as DEFAULT_QUOTA_GIB
from .shares import TIERS as TIERS
from .shares import FileShare as FileShare
from .shares import create_share as create_share
from .shares import delete_share as delete_share
from .shares import find_share as find_share
from .shares import get_share as get_share
from .shares import get_share_at as get_share_at
from .shares import list_folders as list_folders
from .shares import list_shares as list_shares
from .shares import resolve_share as resolve_share
from .shares import update_share as update_share
from .tree import Tree as Tree

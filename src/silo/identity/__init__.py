"""Sign-in that looks like Entra ID: issuer, directory, Graph. Knows no Azure resource."""

from .credentials import FederatedCredential as FederatedCredential
from .credentials import KeyCredential as KeyCredential
from .credentials import PasswordCredential as PasswordCredential
from .credentials import delete_federated_credential as delete_federated_credential
from .credentials import list_federated_credentials as list_federated_credentials
from .credentials import put_federated_credential as put_federated_credential
from .directory import Group as Group
from .directory import ObjectType as ObjectType
from .directory import ServicePrincipal as ServicePrincipal
from .directory import ServicePrincipalType as ServicePrincipalType
from .directory import User as User
from .directory import find_group as find_group
from .directory import find_service_principal as find_service_principal
from .directory import find_type as find_type
from .directory import find_user as find_user
from .directory import get_principal as get_principal
from .directory import list_transitive_groups as list_transitive_groups
from .directory import list_transitive_members as list_transitive_members
from .directory_errors import DirectoryError as DirectoryError
from .directory_errors import ObjectConflict as ObjectConflict
from .directory_errors import ObjectNotFound as ObjectNotFound
from .directory_errors import PrincipalDisabled as PrincipalDisabled
from .directory_errors import PropertyInvalid as PropertyInvalid
from .tenant import Tenant as Tenant
from .tenant import get_tenant as get_tenant
from .tenant import put_tenant as put_tenant

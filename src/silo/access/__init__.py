"""Who may do what where: roles, assignments and the one function that decides.

No HTTP here, no tokens, no resource types; every door asks this room and none decides alone.
"""

from .assignments import delete_assignment as delete_assignment
from .assignments import delete_assignments_within as delete_assignments_within
from .assignments import delete_parent as delete_parent
from .assignments import find_assignment as find_assignment
from .assignments import insert_assignment as insert_assignment
from .assignments import list_assignments as list_assignments
from .assignments import list_parents as list_parents
from .assignments import set_parent as set_parent
from .assignments import update_assignment as update_assignment
from .authorizer import Authorizer as Authorizer
from .authorizer import load_policy as load_policy
from .decisions import Decision as Decision
from .decisions import Permission as Permission
from .decisions import Policy as Policy
from .decisions import RoleAssignment as RoleAssignment
from .decisions import RoleDefinition as RoleDefinition
from .decisions import decide as decide
from .definitions import CUSTOM_ROLE as CUSTOM_ROLE
from .definitions import delete_definition as delete_definition
from .definitions import find_definition as find_definition
from .definitions import list_definitions as list_definitions
from .definitions import put_definition as put_definition
from .errors import AssignmentExists as AssignmentExists
from .errors import AssignmentNameTaken as AssignmentNameTaken
from .errors import DefinitionBuiltIn as DefinitionBuiltIn
from .errors import DefinitionHasAssignments as DefinitionHasAssignments
from .errors import DefinitionNameTaken as DefinitionNameTaken
from .network_rules import NetworkRules as NetworkRules
from .patterns import ActionPatterns as ActionPatterns
from .patterns import compile_patterns as compile_patterns
from .principals import Principal as Principal
from .principals import PrincipalType as PrincipalType
from .roles import BUILT_IN_ROLES as BUILT_IN_ROLES
from .roles import ROLE_IDS as ROLE_IDS
from .scopes import MANAGEMENT_GROUP_PREFIX as MANAGEMENT_GROUP_PREFIX
from .scopes import ROOT as ROOT
from .scopes import get_scope_key as get_scope_key
from .scopes import is_within as is_within
from .scopes import list_ancestors as list_ancestors

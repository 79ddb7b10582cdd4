"""Who may do what where: roles, assignments and the one function that decides.

No HTTP here, no tokens, no resource types; every door asks this room and none decides alone.
"""

from .principals import Principal as Principal
from .principals import PrincipalType as PrincipalType

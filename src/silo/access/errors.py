"""What the transaction functions of this room refuse; providers say it in Azure's words.

* core.SiloError
  x AssignmentExists
  x AssignmentNameTaken
  x DefinitionBuiltIn
  x DefinitionHasAssignments
  x DefinitionNameTaken
"""

from silo import core

from .decisions import RoleAssignment, RoleDefinition


class AssignmentExists(core.SiloError):
    """The principal has this role at this very scope already."""

    def __init__(self, existing: RoleAssignment) -> None:
        self.existing = existing
        super().__init__(f"The role assignment already exists. Its ID is {existing.name}.")


class AssignmentNameTaken(core.SiloError):
    """The name belongs to another assignment."""

    def __init__(self, existing: RoleAssignment) -> None:
        self.existing = existing
        super().__init__(f"Another role assignment has the name {existing.name}.")


class DefinitionBuiltIn(core.SiloError):
    """Built-in roles can be neither changed nor removed."""

    def __init__(self, existing: RoleDefinition) -> None:
        super().__init__(f"The built-in role '{existing.role_name}' cannot be changed or removed.")


class DefinitionHasAssignments(core.SiloError):
    """A role that somebody has cannot be removed."""

    def __init__(self, existing: RoleDefinition) -> None:
        super().__init__(f"There are existing role assignments for '{existing.role_name}'.")


class DefinitionNameTaken(core.SiloError):
    """Another role has this name."""

    def __init__(self, existing: RoleDefinition) -> None:
        super().__init__(f"A role named '{existing.role_name}' exists already ({existing.id}).")

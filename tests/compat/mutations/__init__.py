"""Single changes of a declaration, each with the findings that it must give and none beside them.

Importing the package registers the changes of all its modules in ``MUTATIONS``.
"""

from tests.compat.mutations import calls, clauses, enums, roms, structs, values
from tests.compat.mutations.frame import MUTATIONS, Mutant, bumped

__all__ = ["MUTATIONS", "Mutant", "bumped", "calls", "clauses", "enums", "roms", "structs", "values"]

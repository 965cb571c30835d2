"""Small changes as they happen to ABIs, each with what somebody who keeps such an ABI would say of it."""

from tests.compat.verdicts import calls, enums, promises, structs, values
from tests.compat.verdicts.frame import VERDICTS, Expected

__all__ = ["VERDICTS", "Expected", "calls", "enums", "promises", "structs", "values"]

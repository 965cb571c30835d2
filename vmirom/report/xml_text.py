"""Text that XML 1.0 can carry."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["xml_text"]

_FORBIDDEN: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Without the characters that no XML document may have: most control characters and lone surrogates."""
    return _FORBIDDEN.sub("", text)

"""A conform run, told: in words, as JSON, JUnit XML and Markdown, and as one HTML page.

Every format is written from the same :class:`~vmirom.report.conformance.view.View`. The modules, in reading
order: ``states``, ``view``, ``incidents``, ``reasons``, ``text``; then the formats; for the page ``symbols``,
``disassembly``, ``drawing`` and ``page``, which is loaded only where a page is written.
"""

from vmirom.report.conformance.document import conformance_report
from vmirom.report.conformance.faults import SeededFault
from vmirom.report.conformance.junit import conformance_junit
from vmirom.report.conformance.markdown import conformance_markdown
from vmirom.report.conformance.text import conformance_lines, list_lines
from vmirom.report.conformance.view import Occasion

__all__ = [
    "Occasion",
    "SeededFault",
    "conformance_junit",
    "conformance_lines",
    "conformance_markdown",
    "conformance_report",
    "list_lines",
]

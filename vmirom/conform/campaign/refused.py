"""How a campaign says no: one line, without the file's name, which is put in front where it is told."""

__all__ = ["CampaignError", "ClusterError", "EmptyFile"]


class CampaignError(Exception):
    """A file that is no campaign, a definition that is none, or a place that can't be written."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


class EmptyFile(CampaignError):
    """A file without anything in it, such as one whose campaign was killed while it was planned."""


class ClusterError(CampaignError):
    """A cluster that can't be reached or that lost its workers."""

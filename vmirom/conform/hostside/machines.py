"""One machine after another of the same setting: a call that takes one down costs a new one."""

from __future__ import annotations

from vmirom.conform.hostside.made import Unsettled
from vmirom.conform.hostside.sheet import Sheet, scene_of
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.player import Setting
from vmirom.hosts.scene import Scene

__all__ = ["Machines"]


class Machines:
    """``stand`` is made when it is asked for. Use as a context, so that the last one is given back."""

    def __init__(self, setting: Setting, sheet: Sheet) -> None:
        self.setting, self.sheet = setting, sheet
        self.trouble: dict[str, str] = {}
        """Calls that did not come back when a machine was made ready, and why: they are avoided from then
        on."""
        self.scenes: dict[str, Scene] = {}
        """The machine at each of these."""
        self._stand: Stand | None = None

    @property
    def stand(self) -> Stand:
        """The one in use, or a new one: settled, its stores watched. Raises Died."""
        while self._stand is None:
            made = Stand(self.setting, per_call=self.sheet.patience)
            if self._settled(made):
                made.watch_stores()
                self._stand = made
        return self._stand

    def settle(self) -> None:
        """The one in use is as at the beginning, or a new one takes its place. Raises Died."""
        if self._stand is not None and not self._settled(self._stand):
            self._stand = None

    def _settled(self, stand: Stand) -> bool:
        """Whether it could be done; else it is closed. Each time another call is avoided."""
        self.sheet.check_time()
        try:
            stand.settle(self.trouble)
        except Unsettled as lost:
            self.trouble[lost.call] = lost.why
            self.scenes[lost.call] = scene_of(stand)
            stand.close()
            return False
        except BaseException:
            stand.close()
            raise
        return True

    def lose(self) -> None:
        """The one in use is of no use any more."""
        if self._stand is not None:
            self._stand.close()
            self._stand = None

    def __enter__(self) -> Machines:
        return self

    def __exit__(self, *_: object) -> None:
        self.lose()

"""The devices of a PC that a native guest meets, one file each, on a port bus that refuses overlaps."""

from vmirom.machine.devices.pc import Devices
from vmirom.machine.devices.power import Request, RequestKind

__all__ = ["Devices", "Request", "RequestKind"]

"""Event channels: ports, what they are bound to, and how an event becomes pending.

Facts: xen-host.md section 6, "Events and time". Ports are given out from 1. A masked port gets its
pending bit only; unmasking sets the selector. Nothing is delivered until Xen next returns to the guest.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vmirom.hypervisors.xen.answers import Refused
from vmirom.hypervisors.xen.physdev import PIRQS
from vmirom.hypervisors.xen.shared import PORTS
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Domid, Errno, Evtchnop, EvtchnStatus, Virq, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Channel", "Events"]

_OF_ONE_CPU: Final = frozenset({Virq.TIMER, Virq.DEBUG, Virq.XENOPROF, Virq.XENPMU})
"""Every other virq is the domain's: bound to virtual CPU 0 first, and movable."""
_FIFO: Final = frozenset({Evtchnop.INIT_CONTROL, Evtchnop.EXPAND_ARRAY, Evtchnop.SET_PRIORITY})
_CONTROL_BLOCK: Final = 72
_DOM0: Final = 0
_COMPAT_SIZE: Final[int] = 4 + ffi.sizeof("struct xen_evtchn_status")
_ROOM: Final = 64
_ANSWERED: Final = frozenset(
    {
        Evtchnop.BIND_INTERDOMAIN,
        Evtchnop.BIND_VIRQ,
        Evtchnop.STATUS,
        Evtchnop.ALLOC_UNBOUND,
        Evtchnop.BIND_IPI,
    }
)


@dataclass(slots=True)
class Channel:
    """One port. ``detail`` is the virq, the remote port of an interdomain channel, else 0."""

    kind: EvtchnStatus = EvtchnStatus.CLOSED
    detail: int = 0
    remote: int = 0


class Events:
    """The domain's 1024 ports."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.channels = [Channel() for _ in range(PORTS)]
        self.virqs: dict[int, int] = {}
        self._room = _ROOM
        self._operations: dict[int, tuple[str, Callable[[Any], None]]] = {
            Evtchnop.BIND_INTERDOMAIN: ("struct xen_evtchn_bind_interdomain", self._bind_interdomain),
            Evtchnop.BIND_VIRQ: ("struct xen_evtchn_bind_virq", self._bind_virq),
            Evtchnop.BIND_PIRQ: ("struct xen_evtchn_bind_ipi", self._bind_pirq),
            Evtchnop.CLOSE: ("struct xen_evtchn_close", self._close),
            Evtchnop.SEND: ("struct xen_evtchn_send", self._send),
            Evtchnop.STATUS: ("struct xen_evtchn_status", self._status),
            Evtchnop.ALLOC_UNBOUND: ("struct xen_evtchn_alloc_unbound", self._alloc_unbound),
            Evtchnop.BIND_IPI: ("struct xen_evtchn_bind_ipi", self._bind_ipi),
            Evtchnop.BIND_VCPU: ("struct xen_evtchn_bind_vcpu", self._bind_vcpu),
            Evtchnop.UNMASK: ("struct xen_evtchn_unmask", self._unmask),
            Evtchnop.RESET: ("struct xen_evtchn_reset", self._reset),
            Evtchnop.RESET_CONTINUED: ("struct xen_evtchn_reset", self._continue_reset),
        }

    # Becoming pending

    def raise_port(self, port: int) -> None:
        """Mark ``port`` pending; if it is not masked, the virtual CPU gets to know."""
        shared = self.domain.shared
        if shared.set_bit("pending", port):
            return
        if not shared.bit("mask", port):
            self._select(port)
        self.domain.scheduling.port_raised(port)

    def _select(self, port: int) -> None:
        vcpu = self.domain.shared.vcpu
        selected = 1 << port // 32
        if vcpu.evtchn_pending_sel & selected:
            return
        vcpu.evtchn_pending_sel |= selected
        vcpu.evtchn_upcall_pending = 1

    def raise_virq(self, virq: int) -> None:
        """Mark the port bound to ``virq`` pending; nothing happens when none is."""
        port = self.virqs.get(virq)
        if port is not None:
            self.raise_port(port)

    # Hypercalls

    def operation(self, command: int, at: int) -> int:
        """event_channel_op: one operation with its argument structure at ``at``."""
        release = self.domain.release
        release.need("event channel operation", command, release.event_commands)
        found = self._operations.get(command)
        if command in _FIFO:
            self._fifo(command, at)
        if found is None:
            raise Refused(Errno.ENOSYS, f"event channel operation {command}")
        ctype, act = found
        argument = self.domain.space.struct(at, ctype)
        act(argument)
        if command in _ANSWERED:
            self.domain.space.put_struct(at, argument)
        return 0

    def _fifo(self, command: int, at: int) -> None:
        """The FIFO form of events is left out: what it answers before it is chosen. Raises Refused."""
        if command == Evtchnop.INIT_CONTROL:
            frame, offset, vcpu = struct.unpack("<QII8x", self.domain.space.read(at, 24))
            self._need_vcpu(vcpu)
            if offset > PAGE_SIZE - _CONTROL_BLOCK or offset % 8 or not self.domain.tables.owned(frame):
                raise Refused(Errno.EINVAL, f"no control block at {frame:#x} + {offset:#x}")
            raise Refused(Errno.ENOSYS, "the FIFO form of events is left out")
        if command == Evtchnop.SET_PRIORITY:
            self.channel(int.from_bytes(self.domain.space.read(at, 8)[:4], "little"))
            raise Refused(Errno.ENOSYS, "priorities belong to the FIFO form of events, which is left out")
        self.domain.space.read(at, 8)
        raise Refused(Errno.EOPNOTSUPP, "the FIFO form of events was not chosen")

    def compat(self, at: int) -> int:
        """event_channel_op_compat: a command word, then the structure, with room for the largest."""
        self.domain.space.read(at, _COMPAT_SIZE)
        return self.operation(self.domain.space.u32(at), at + 4)

    def _free_port(self) -> int:
        for port in range(1, PORTS):
            if self.channels[port].kind is EvtchnStatus.CLOSED:
                return port
        raise Refused(Errno.ENOSPC, "no free port")

    def _open(self, kind: EvtchnStatus, detail: int = 0, remote: int = 0) -> int:
        port = self._free_port()
        while port >= self._room:
            self._room += _ROOM
        self.channels[port] = Channel(kind, detail, remote)
        self.domain.shared.clear_bit("pending", port)
        return port

    def channel(self, port: int) -> Channel:
        """The channel of a port that Xen has room for: room for 64 is made at a time, as ports are given
        out. Raises Refused(EINVAL)."""
        if not 0 <= port < self._room:
            raise Refused(Errno.EINVAL, f"port {port}")
        return self.channels[port]

    @staticmethod
    def _need_vcpu(vcpu: int) -> None:
        if vcpu:
            raise Refused(Errno.ENOENT, f"no virtual CPU {vcpu}")

    @staticmethod
    def _need_self(domid: int) -> None:
        if domid not in (Domid.SELF, _DOM0):
            raise Refused(Errno.ESRCH, f"no domain {domid}")

    def _bind_virq(self, argument: Any) -> None:
        if argument.virq >= Virq.COUNT:
            raise Refused(Errno.EINVAL, f"virq {argument.virq}")
        if argument.virq not in _OF_ONE_CPU and argument.vcpu:
            raise Refused(Errno.EINVAL, f"virq {argument.virq} is for virtual CPU 0")
        self._need_vcpu(argument.vcpu)
        if argument.virq in self.virqs:
            raise Refused(Errno.EEXIST, f"virq {argument.virq} is bound already")
        argument.port = self._open(EvtchnStatus.VIRQ, argument.virq)
        self.virqs[argument.virq] = argument.port

    def _bind_ipi(self, argument: Any) -> None:
        self._need_vcpu(argument.vcpu)
        argument.port = self._open(EvtchnStatus.IPI)

    def _bind_pirq(self, argument: Any) -> None:
        """The structure begins like bind_ipi's: the pirq stands first."""
        if argument.vcpu >= PIRQS:
            raise Refused(Errno.EINVAL, f"pirq {argument.vcpu} does not exist")
        raise Refused(Errno.EPERM, f"pirq {argument.vcpu} is not mapped")

    def _alloc_unbound(self, argument: Any) -> None:
        self._need_self(argument.dom)
        remote = _DOM0 if argument.remote_dom == Domid.SELF else argument.remote_dom
        argument.port = self._open(EvtchnStatus.UNBOUND, 0, remote)

    def _bind_interdomain(self, argument: Any) -> None:
        self._need_self(argument.remote_dom)
        other = self.channel(argument.remote_port)
        if other.kind is not EvtchnStatus.UNBOUND or other.remote not in (Domid.SELF, _DOM0):
            raise Refused(Errno.EINVAL, f"port {argument.remote_port} waits for no such binding")
        port = self._open(EvtchnStatus.INTERDOMAIN, argument.remote_port)
        self.channels[argument.remote_port] = Channel(EvtchnStatus.INTERDOMAIN, port)
        argument.local_port = port
        self.raise_port(port)

    def _close(self, argument: Any) -> None:
        self.close(argument.port)

    def close(self, port: int) -> None:
        """Close a port; the other end of an interdomain channel becomes unbound. Raises Refused."""
        channel = self.channel(port)
        if channel.kind is EvtchnStatus.CLOSED:
            raise Refused(Errno.EINVAL, f"port {port} is closed")
        if channel.kind is EvtchnStatus.VIRQ:
            self.virqs.pop(channel.detail, None)
        if channel.kind is EvtchnStatus.INTERDOMAIN:
            self.channels[channel.detail] = Channel(EvtchnStatus.UNBOUND, 0, _DOM0)
        self.channels[port] = Channel()
        self.domain.shared.clear_bit("pending", port)

    def _send(self, argument: Any) -> None:
        channel = self.channel(argument.port)
        if channel.kind is EvtchnStatus.INTERDOMAIN:
            self.raise_port(channel.detail)
        elif channel.kind is EvtchnStatus.IPI:
            self.raise_port(argument.port)
        elif channel.kind is not EvtchnStatus.UNBOUND:
            raise Refused(Errno.EINVAL, f"port {argument.port} is {channel.kind.name}")

    def _status(self, argument: Any) -> None:
        self._need_self(argument.dom)
        channel = self.channel(argument.port)
        argument.status = int(channel.kind)
        argument.vcpu = 0
        argument.u = self._union(channel)

    @staticmethod
    def _union(channel: Channel) -> bytes:
        if channel.kind is EvtchnStatus.INTERDOMAIN:
            return _DOM0.to_bytes(4, "little") + channel.detail.to_bytes(4, "little")
        if channel.kind is EvtchnStatus.UNBOUND:
            return channel.remote.to_bytes(8, "little")
        return channel.detail.to_bytes(8, "little")

    def _bind_vcpu(self, argument: Any) -> None:
        self._need_vcpu(argument.vcpu)
        channel = self.channel(argument.port)
        movable = channel.kind in (EvtchnStatus.UNBOUND, EvtchnStatus.INTERDOMAIN, EvtchnStatus.PIRQ)
        if not movable and (channel.kind is not EvtchnStatus.VIRQ or channel.detail in _OF_ONE_CPU):
            raise Refused(Errno.EINVAL, f"port {argument.port} can't be bound to a virtual CPU")

    def _unmask(self, argument: Any) -> None:
        self.channel(argument.port)
        shared = self.domain.shared
        if shared.clear_bit("mask", argument.port) and shared.bit("pending", argument.port):
            self._select(argument.port)

    def _continue_reset(self, argument: Any) -> None:
        """What Xen issues to itself where a reset takes long; none is under way when a guest can ask."""
        self._need_self(argument.dom)
        raise Refused(Errno.EBUSY, "no reset is under way")

    def _reset(self, argument: Any) -> None:
        self._need_self(argument.dom)
        for port in range(1, PORTS):
            if self.channels[port].kind is not EvtchnStatus.CLOSED:
                self.close(port)

"""/dev/kvm: a PC whose processor, interrupt controllers and timer are the kernel's, run in this process.

The modules, in reading order: ``interface`` (numbers and layouts of linux/kvm.h), ``kernel`` (the one place
that makes system calls), ``registers``, ``vcpu``, ``selftest``, ``machine``.
"""

from vmirom.machine.kvm.kernel import DEVICE, Device, Kernel, KvmError, LinuxKernel, device_sentence
from vmirom.machine.kvm.machine import Fault, KvmPc, OutOfTime, Setting, Stop, Stopped
from vmirom.machine.kvm.selftest import Findings, examine, self_test

__all__ = [
    "DEVICE",
    "Device",
    "Fault",
    "Findings",
    "Kernel",
    "KvmError",
    "KvmPc",
    "LinuxKernel",
    "OutOfTime",
    "Setting",
    "Stop",
    "Stopped",
    "device_sentence",
    "examine",
    "self_test",
]

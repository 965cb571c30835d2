"""vmirom: a versioned paravirt ABI, ROMs generated from it, one guest on every hypervisor."""

__version__ = "0.1.0"

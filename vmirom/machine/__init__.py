"""CPU, memory and exits. Knows no hypercall number."""

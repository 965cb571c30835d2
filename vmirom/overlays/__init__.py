"""Views of the ABI for host code, one module a family. Generated from abi/ by `python -m vmirom.generate`; do not edit."""

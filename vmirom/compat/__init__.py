"""Compatibility of paravirt ABIs as a library: load declarations, compare them, check one by itself."""

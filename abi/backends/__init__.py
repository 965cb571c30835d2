"""The hypercall ABIs that a ROM speaks, one file each."""

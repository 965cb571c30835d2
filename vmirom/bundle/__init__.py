"""A guest image and a ROM, composed into one file that a backend's boot protocol accepts."""

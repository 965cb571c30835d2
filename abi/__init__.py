"""The contract: declarations only. Loaded through ``vmirom.schema.tree``, never imported from sys.path."""

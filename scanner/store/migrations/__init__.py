"""The migrations of the store, run by ``scanner.store.schema``."""

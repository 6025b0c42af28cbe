"""The directory: connecting to a domain controller, and reading its naming contexts."""

"""The ground of the exposure bench: 64 addresses behind a firewall, what is planted there, and how each tool tells."""

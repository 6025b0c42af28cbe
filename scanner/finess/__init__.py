"""The FINESS register read from its files, and what an establishment's own list adds to it."""

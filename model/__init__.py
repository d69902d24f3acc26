"""The simulated world of the border settlements, one year at a time."""

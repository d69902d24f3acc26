"""Ensembles of runs, their store, comparisons, figures and the command line."""

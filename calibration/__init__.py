"""Audit of the data, calibration targets, posterior and validation of the model."""

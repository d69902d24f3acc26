"""Tests of Qyzyljar: the folders mirror the packages."""

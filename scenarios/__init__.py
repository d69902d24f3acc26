"""Policies as data: schema, levers, costs and the library of scenario files."""

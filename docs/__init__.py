"""The documentation: pages, what is generated from the declarations (`generate.py`), and how it is built."""

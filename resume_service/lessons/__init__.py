"""A course of modules and lessons, who may take it, and who has completed what.

Knows no web framework.
"""

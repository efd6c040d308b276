"""The scripts and the SQL of the previous version, which writes hashes without `state`, `rate` and `device`.

During an upgrade, both versions run side by side.
"""

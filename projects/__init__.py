"""Plugins: each project is a package of its own, named in a config's ``custom_imports``."""

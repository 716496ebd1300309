"""Pixels from geometry: shaded meshes and drawn skeletons, without matplotlib."""

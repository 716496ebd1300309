"""mmegopose: egocentric 3D human pose estimation in mmengine style."""
__version__ = '0.1.0'

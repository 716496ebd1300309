"""Random colours of skin, cloth and clutter."""
import numpy as np


def skin_color(rng) -> np.ndarray:
    """A skin tone ``(3,)`` from dark to light."""
    tone = rng.random()
    return (1 - tone) * np.array([75, 48, 36]) + tone * np.array([240, 200, 178]) + rng.uniform(-12, 12, 3)


def random_colors(rng, *shape: int) -> np.ndarray:
    """Random colours ``(*shape,3)`` uint8, more often pale than vivid."""
    grey = rng.uniform(10, 255, (*shape, 1)) * rng.uniform(0.6, 1)
    tint = rng.uniform(-1, 1, (*shape, 3)) * 160 * rng.random() ** 2
    return np.clip(grey + tint, 0, 255).astype(np.uint8)


def texture(rng, template: np.ndarray) -> np.ndarray:
    """Slow change of brightness ``(V,1)`` over the surface."""
    extent = np.ptp(template, axis=0).max()
    waves = template @ (rng.standard_normal((3, 4)) * 12 / extent) + rng.uniform(0, 2 * np.pi, 4)
    return 1 + 0.04 * np.sin(waves).sum(1, keepdims=True)

"""Bring a view of one thumbnail onto another by a small affine correction.

Views lie on a coarse grid, and a crop or a turn falls between them. The inverse compositional method (Baker and
Matthews: Lucas-Kanade 20 years on, IJCV 2004) finds the rest: the template's gradients and Hessian are computed
once, each step costs one resampling. Brightness and contrast drop out, as both sides are normalised.
"""

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image.resample import UNIT, sample

__all__ = ["align"]

# A correction larger than this is no correction: unrelated pictures drift, related ones do not.
_MOST_STRETCH = 0.25
_MOST_SHIFT = 0.25
_DAMPING = 0.02

Floats = NDArray[np.float64]


def align(
    templates: NDArray[np.integer],
    template_maps: NDArray[np.int64],
    targets: NDArray[np.integer],
    maps: NDArray[np.int64],
    sides_and_steps: tuple[tuple[int, int], ...],
) -> NDArray[np.int64]:
    """Return corrected `maps` into `targets` (n x s x s) for the views of `templates` (n x s x s) by `template_maps`.

    `sides_and_steps` lists the sides of the views to align, coarse before fine, and the number of steps on each.
    Where the correction runs away the given map is returned.
    """
    if not sides_and_steps:
        return maps
    start = maps / UNIT
    found = start.copy()
    for side, steps in sides_and_steps:
        found = _descend(_unit(sample(templates, template_maps, side, 2)), targets, found, side, steps)
    # How far the correction moved the corners of the view, in half sides of the view itself.
    moved = np.linalg.solve(start[:, :, :2], found - start)
    kept = (np.abs(moved[:, :, :2]).max(axis=(1, 2)) <= _MOST_STRETCH) & (
        np.abs(moved[:, :, 2]).max(axis=1) <= _MOST_SHIFT
    )
    return np.where(kept[:, np.newaxis, np.newaxis], np.rint(found * UNIT).astype(np.int64), maps)


def _descend(templates: Floats, targets: NDArray[np.integer], maps: Floats, side: int, steps: int) -> Floats:
    gradient_v, gradient_u = np.gradient(templates, 2 / side, axis=(1, 2))
    places = (2 * np.arange(side) + 1 - side) / side
    u, v = places[np.newaxis, :], places[:, np.newaxis]
    jacobian = np.stack(
        [gradient_u * u, gradient_u * v, gradient_u, gradient_v * u, gradient_v * v, gradient_v], axis=1
    ).reshape(len(templates), 6, side * side)
    hessian = jacobian @ jacobian.transpose(0, 2, 1)
    trace = np.trace(hessian, axis1=1, axis2=2)[:, np.newaxis, np.newaxis]
    solver = np.linalg.inv(hessian + (_DAMPING / 6 * trace + 1e-9) * np.eye(6)) @ jacobian
    flat = templates.reshape(len(templates), -1)
    for _ in range(steps):
        seen = _unit(sample(targets, np.rint(maps * UNIT).astype(np.int64), side, 1)).reshape(flat.shape)
        change = (solver @ (seen - flat)[:, :, np.newaxis]).reshape(-1, 2, 3)
        maps = _compose(maps, np.clip(change, -0.1, 0.1))
    return maps


def _compose(maps: Floats, change: Floats) -> Floats:
    """Return maps after the inverse of the identity plus `change`."""
    inverse = np.linalg.inv(np.eye(2) + change[:, :, :2])
    linear = maps[:, :, :2] @ inverse
    shift = maps[:, :, 2] - (linear @ change[:, :, 2:])[:, :, 0]
    return np.concatenate([linear, shift[:, :, np.newaxis]], axis=2)


def _unit(views: NDArray[np.integer]) -> Floats:
    """Return views with mean 0 and norm 1, or all 0 where a view is flat."""
    centred = views - views.mean(axis=(1, 2), keepdims=True)
    norm = np.sqrt((centred * centred).sum(axis=(1, 2), keepdims=True))
    return np.asarray(centred / np.maximum(norm, 1e-9))

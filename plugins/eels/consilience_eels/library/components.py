"""Decompositions of spectrum images, by HyperSpy."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from consilience_eels.library.session import hyperspy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decompose"]


def decompose(
    cube: NDArray[Any], count: int, method: str, seed: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    """Return factors (k, n), loadings (k, rows, columns) and shares of variance, by HyperSpy.

    Parameters
    ----------
    cube : ndarray, shape (rows, columns, n)
        Counts, with Poisson's noise.
    count : int
    method : {"NMF", "ORNMF", "PCA", "ICA"}
        scikit-learn's NMF, HyperSpy's online robust NMF, singular vectors, or these rotated by
        orthomax.
    seed : int

    Raises
    ------
    ImportError
        NMF, and scikit-learn is not there.
    """
    import contextlib
    import io

    hs = hyperspy()
    signal = hs.signals.Signal1D(cube.copy())
    options: dict[str, Any] = {"print_info": False}
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stderr(io.StringIO()),  # bars that no preference switches off
    ):
        warnings.simplefilter("ignore")
        if method in ("PCA", "ICA"):
            signal.decomposition(True, algorithm="SVD", **options)
        else:
            signal.decomposition(
                True, algorithm=method, output_dimension=count, random_state=seed, **options
            )
        if method == "ICA":
            signal.blind_source_separation(count, algorithm="orthomax", **options)
            factors, loadings = signal.get_bss_factors(), signal.get_bss_loadings()
        else:
            factors = signal.get_decomposition_factors()
            loadings = signal.get_decomposition_loadings()
    explained = signal.learning_results.explained_variance_ratio
    return factors.data[:count].copy(), loadings.data[:count].copy(), explained

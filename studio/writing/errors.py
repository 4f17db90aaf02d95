# SPDX-License-Identifier: Apache-2.0
"""The errors of a writing run that neither the backend nor the project file can know of."""

from __future__ import annotations

from backends.errors import ExplainedError


class WritingError(ExplainedError):
    """Root of the tree: a hint for the user, and whether trying again can help."""

    hint = "Everything written so far is in the project; `longhand resume` goes on from there."


class ModelSilent(WritingError):
    """The model answers with nothing, again and again."""

    hint = "Try another seed or another model; everything written so far is in the project."
    retryable = True


class LengthRefused(WritingError):
    """No text can have the length asked for; no model was asked."""

    hint = "Ask for another length."


class FitRefused(LengthRefused):
    """A text cannot be brought to the length asked for; nothing was changed."""

"""Errors and warnings, each a sentence for the person at the screen.

A message says what is wrong, names the offending value and tells what to do. It
never holds an identifying element of a file (name, patient number, birth date).
"""

from __future__ import annotations


class MuscleUSError(ValueError):
    """Base of all errors that a user can put right."""


class ImageReadError(MuscleUSError):
    """A file could not be read as an ultrasound image."""


class RoiError(MuscleUSError):
    """A region of interest is not usable."""


class MeasureError(MuscleUSError):
    """A measure cannot be computed from what was given."""


class ReferenceSetError(MuscleUSError):
    """A reference set is invalid or does not hold for what was asked."""


class DeviceMismatchError(ReferenceSetError):
    """The image comes from another device than the reference set."""


class ResultsError(MuscleUSError):
    """A results table could not be read or written."""


class MuscleUSWarning(UserWarning):
    """A caveat about a number that was given all the same."""

# SPDX-License-Identifier: Apache-2.0
"""The errors of a project file. Each carries a hint for the user and says whether trying again can help."""

from __future__ import annotations

from backends.errors import ExplainedError


class ProjectError(ExplainedError):
    """Root of the tree."""

    hint = "The project file is unchanged."


class ProjectNotFound(ProjectError):
    """There is no file at this path."""

    hint = "Check the path, or start a project with `longhand write` or `longhand plan`."


class ProjectExists(ProjectError):
    """A file of this name is already there."""

    hint = "Choose another name, or go on with `longhand resume`."


class ProjectInUse(ProjectError):
    """Another Longhand has the project open; the message names it."""

    hint = "Close it there first, or look at the project with `longhand status`."
    retryable = True


class ProjectTooNew(ProjectError):
    """The file was made by a newer version of Longhand."""

    hint = "Install the newer version; this one only reads the file."


class ProjectDamaged(ProjectError):
    """The file is not a project or its contents are damaged."""

    hint = "Open the newest backup, which lies beside the project in the folder of the same name with .backups."


class ProjectReadOnly(ProjectError):
    """The file or its folder cannot be written, or the project was opened for reading."""

    hint = "Copy the project to a folder that you may write to."


class DiskFull(ProjectError):
    """There is no room left on the disk; the last change was not stored."""

    hint = "Free some space and resume; everything stored before is safe."
    retryable = True


class StaleRevision(ProjectError):
    """The text was changed by somebody else meanwhile; the operation was refused."""

    hint = "Read the section again and repeat the change."
    retryable = True


class UnknownSection(ProjectError):
    """There is no section with this id (any more)."""

    hint = "The plan was changed meanwhile; look at the outline."

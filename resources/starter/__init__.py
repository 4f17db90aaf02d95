# SPDX-License-Identifier: Apache-2.0
"""The recipe of the starter model: generator, training, conversion and measurement."""

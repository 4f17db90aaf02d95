# SPDX-License-Identifier: Apache-2.0
"""Measures the program on this machine. Whatever it measures is printed in the form of ``report``."""

"""The course as text: cells, rules, authoring, release, calibration."""

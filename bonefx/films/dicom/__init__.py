"""DICOM films: header, pixel data, look-up tables, windows."""

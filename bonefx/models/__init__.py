"""Model folders and their networks: preprocessing, manifest, registry, calibration and decision."""

"""DICOM over the network: receive films, send reports; and read films from a watched folder."""

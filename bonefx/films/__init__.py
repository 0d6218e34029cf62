"""Files to radiographs: pictures, DICOM, archives, display windows and patient identifiers."""

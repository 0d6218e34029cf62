"""DICOM reports: Secondary Capture and Structured Report, filed under the study of the film."""

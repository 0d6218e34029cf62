"""Components, templates, uploads, downloads and error messages that several screens use."""

"""Export, model card, tables of the documentation, and upload to the Hugging Face Hub."""

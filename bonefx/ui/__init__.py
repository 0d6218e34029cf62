"""The screens. Only this package and app.py know gradio."""

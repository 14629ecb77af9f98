"""Class counts that others published or keep in files, and penalties as a script has them."""

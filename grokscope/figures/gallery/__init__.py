"""The figures, one file each; the function in a file has the file's name."""

"""What a dataset folder holds, file by file."""

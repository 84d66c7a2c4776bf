"""ILSVRC-2012 in each of the forms that people have it in."""

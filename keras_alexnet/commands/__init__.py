"""One file a verb: options in, one library call, a summary out."""

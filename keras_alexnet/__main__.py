"""`python -m keras_alexnet` is `alexnet`."""

from keras_alexnet.cli import main

raise SystemExit(main())

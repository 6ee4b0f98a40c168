"""What is measured: the app and its mathematics against peers and goals. Run `make bench`."""

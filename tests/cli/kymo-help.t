# Help and version on stdout, status 0.
$ kymo --help
$ kymo --version
$ for c in info verify dump import sql folded flame syscalls overhead; do kymo $c --help | head -1; done
$ kymo help | head -1

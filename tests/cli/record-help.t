# Help goes to stdout with status 0; the version too.
$ kymo-record --help
$ kymo-record -h | head -1
$ kymo-record --version
$ kymo-record list

# Mistakes on the command line: status 2, the word that is wrong, what to do.
$ kymo
$ kymo infro x.kymo
$ kymo info
$ kymo info --nonsense x.kymo
$ kymo syscalls --pid abc $SAMPLES/all.kymo
$ kymo syscalls --from nonsense $SAMPLES/all.kymo
$ kymo folded
$ kymo import $SAMPLES/all.kymo

# A reader that goes away ends kymo as it ends git or cat: by SIGPIPE (141 to a shell, -13 here), without a word.
$ kymo-record --source synthetic:events=20000,mix=all,seed=3 -q -o a.kymo; kymo import -q --no-symbols a.kymo -o a.db
$ echo 'import os, subprocess, sys; r, w = os.pipe(); os.close(r); print(sys.argv[2], subprocess.run(sys.argv[1:], stdout=w).returncode)' >closed.py
$ for c in info verify dump 'folded -q --no-symbols' 'flame --no-symbols' syscalls 'syscalls --json' overhead 'recover -q -o -'; do python3 closed.py kymo $c a.kymo; done
> info -13
> verify -13
> dump -13
> folded -13
> flame -13
> syscalls -13
> syscalls -13
> overhead -13
> recover -13
$ python3 closed.py kymo sql a.db 'SELECT * FROM syscall_calls'; python3 closed.py kymo verify a.kymo a.kymo; python3 closed.py kymo flame --no-symbols -o /dev/stdout a.kymo
> sql -13
> verify -13
> flame -13
$ python3 closed.py kymo --help; python3 closed.py kymo --version; python3 closed.py kymo info --help
> --help -13
> --version -13
> info -13
$ python3 closed.py kymo-record --help; python3 closed.py kymo-record list; python3 closed.py kymo-record --source synthetic:events=20000 -o -
> --help -13
> list -13
> --source 1
2> kymo-record: output closed by its reader
$ kymo dump a.kymo | head -1 >/dev/null; echo "status ${PIPESTATUS[0]}"
> status 141
# A write that fails for another reason is an error.
$ kymo syscalls a.kymo >/dev/full; echo "status $?"
> status 1
2> kymo: syscalls: write the output: No space left on device
$ kymo --help >/dev/full; echo "status $?"
> status 1
2> kymo: cannot write the output

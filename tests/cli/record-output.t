# What stands under the output's name is never touched: files, symlinks, directories, FIFOs; and a directory must allow it.
$ echo precious >taken; kymo-record --source synthetic:events=10 -q -o taken; echo "status $?"; cat taken
$ ln -s elsewhere link; kymo-record --source synthetic:events=10 -q -o link; echo "status $?"; ls -l | grep -c elsewhere
$ ln -s taken link2; kymo-record --source synthetic:events=10 -q -f -o link2; echo "status $?"; cat taken
$ mkdir dir; kymo-record --source synthetic:events=10 -q -o dir; echo "status $?"; ls dir
$ mkfifo fifo; timeout 10 kymo-record --source synthetic:events=10 -q -o fifo; echo "status $?"
$ timeout 10 kymo-record --source synthetic:events=10 -q -f -o fifo; echo "status $?"; ls -l fifo | cut -c1
$ timeout 10 kymo-record --source synthetic:events=10 -q -f -o /dev/null; echo "status $?"; ls -l /dev/null | cut -c1
$ kymo-record --source synthetic:events=10 -q -o no/such/dir/out.kymo; echo "status $?"
$ kymo-record --source synthetic:events=10 -q -o ''; echo "status $?"
$ kymo-record --source synthetic:events=10 -q -f -o taken; echo "status $?"; head -c 16 taken | od -An -c
$ umask 0; kymo-record --source synthetic:events=10 -q -o mode.kymo; stat -c %a mode.kymo
$ ls -A

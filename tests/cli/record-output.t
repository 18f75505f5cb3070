# What stands under the output's name is never touched: files, symlinks, directories, FIFOs; and a directory must allow it.
$ echo precious >taken; kymo-record --source synthetic:events=10 -q -o taken; echo "status $?"; cat taken
> status 1
> precious
2> kymo-record: output 'taken' exists: give another name with -o, or -f to replace it
$ ln -s elsewhere link; kymo-record --source synthetic:events=10 -q -o link; echo "status $?"; ls -l | grep -c elsewhere
> status 1
> 1
2> kymo-record: output 'link' is a symbolic link; a capture is only written to a new regular file: use another name, or -o - for a pipe
$ ln -s taken link2; kymo-record --source synthetic:events=10 -q -f -o link2; echo "status $?"; cat taken
> status 1
> precious
2> kymo-record: output 'link2' is a symbolic link; a capture is only written to a new regular file: use another name, or -o - for a pipe
$ mkdir dir; kymo-record --source synthetic:events=10 -q -o dir; echo "status $?"; ls dir
> status 1
2> kymo-record: output 'dir' is a directory; a capture is only written to a new regular file: use another name, or -o - for a pipe
$ mkfifo fifo; timeout 10 kymo-record --source synthetic:events=10 -q -o fifo; echo "status $?"
> status 1
2> kymo-record: output 'fifo' is a FIFO; a capture is only written to a new regular file: use another name, or -o - for a pipe
$ timeout 10 kymo-record --source synthetic:events=10 -q -f -o fifo; echo "status $?"; ls -l fifo | cut -c1
> status 1
> p
2> kymo-record: output 'fifo' is a FIFO; a capture is only written to a new regular file: use another name, or -o - for a pipe
$ timeout 10 kymo-record --source synthetic:events=10 -q -f -o /dev/null; echo "status $?"; ls -l /dev/null | cut -c1
> status 1
> c
2> kymo-record: output '/dev/null' is a device; a capture is only written to a new regular file: use another name, or -o - for a pipe
$ kymo-record --source synthetic:events=10 -q -o no/such/dir/out.kymo; echo "status $?"
> status 1
2> kymo-record: output 'no/such/dir/out.kymo': directory 'no/such/dir/': No such file or directory
$ kymo-record --source synthetic:events=10 -q -o ''; echo "status $?"
> status 2
2> kymo-record: --output: must not be empty
$ kymo-record --source synthetic:events=10 -q -f -o taken; echo "status $?"; head -c 16 taken | od -An -c
> status 0
>    [   *   M 030 020 001  \0  \0 313   K   Y   M  \r  \n 032  \n
$ umask 0; kymo-record --source synthetic:events=10 -q -o mode.kymo; stat -c %a mode.kymo
> 600
$ ls -A
> dir
> fifo
> link
> link2
> mode.kymo
> taken

# Without the privilege to load BPF: status 4, what is missing, and what mends it; nothing is written.
#! requires root unprivileged
$ cp "$KYMO_BIN/kymo-record" .; mkdir -m 777 open; cd open; $AS_NOBODY ../kymo-record -d 1s -q -o out.kymo; echo "status $?"; ls
$ cd open; $AS_NOBODY ../kymo-record doctor >doctor.txt 2>&1; echo "status $?"
$ cd open; $AS_NOBODY ../kymo-record --source synthetic:events=100 -q -o out.kymo; echo "status $?"; ls

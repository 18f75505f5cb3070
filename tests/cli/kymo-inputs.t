# What is no capture and no database of ours: each says what it is not, and how it is to be had.
$ kymo info missing.kymo
$ mkdir dir; kymo info dir
$ : >empty; kymo info empty
$ echo 'just a text that is long enough to hold a header, or so one would think, were one a reader' >text; kymo info text
$ sqlite3 foreign.db 'create table t(x); insert into t values(1)'; kymo syscalls foreign.db
$ kymo info foreign.db
$ head -c 4096 /dev/urandom >noise; kymo syscalls noise
$ mkfifo fifo; timeout 5 kymo info fifo <fifo & sleep 0.3; echo nothing >fifo; wait $!; echo "status $?"
$ kymo info - </dev/null
$ kymo info /dev/null
$ kymo-record --source synthetic:events=5000,mix=all,seed=3 -q -o whole.kymo; head -c 60000 whole.kymo >cut.kymo; kymo info --json cut.kymo | jq '{complete}'
$ kymo syscalls cut.kymo >/dev/null; echo "status $?"

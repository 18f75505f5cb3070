# What is no capture and no database of ours: each says what it is not, and how it is to be had.
#! mask sizes
$ kymo info missing.kymo
2> kymo: info: open 'missing.kymo': No such file or directory
? 1
$ mkdir dir; kymo info dir
2> kymo: info: open 'dir': is a directory
? 1
$ : >empty; kymo info empty
2> kymo: info: 'empty' is neither a kymo capture nor a database made by `kymo import`
? 1
$ echo 'just a text that is long enough to hold a header, or so one would think, were one a reader' >text; kymo info text
2> kymo: info: 'text' is neither a kymo capture nor a database made by `kymo import`
? 1
$ sqlite3 foreign.db 'create table t(x); insert into t values(1)'; kymo syscalls foreign.db
2> kymo: syscalls: 'foreign.db' is an SQLite database of another program; give a capture, or a database made by `kymo import`
? 1
$ kymo info foreign.db
2> kymo: info: 'foreign.db' is an SQLite database of another program; give a capture, or a database made by `kymo import`
? 1
$ head -c 4096 /dev/urandom >noise; kymo syscalls noise
2> kymo: syscalls: 'noise' is neither a kymo capture nor a database made by `kymo import`
? 1
$ mkfifo fifo; timeout 5 kymo info fifo <fifo & sleep 0.3; echo nothing >fifo; wait $!; echo "status $?"
> status 1
2> kymo: info: 'fifo' is neither a kymo capture nor a database made by `kymo import`
$ kymo info - </dev/null
2> kymo: info: '-' is neither a kymo capture nor a database made by `kymo import`
? 1
$ kymo info /dev/null
2> kymo: info: '/dev/null' is neither a kymo capture nor a database made by `kymo import`
? 1
$ kymo-record --source synthetic:events=5000,mix=all,seed=3 -q -o whole.kymo; head -c 30000 whole.kymo >cut.kymo; kymo info --json cut.kymo | jq '{complete}'
> {
>   "complete": false
> }
2> kymo: info: 'cut.kymo' was cut off before its end: what came after is unknown
$ kymo syscalls cut.kymo >/dev/null; echo "status $?"
> status 3
2> kymo: syscalls: 'cut.kymo' was cut off before its end: what came after is unknown
2> kymo: syscalls: no system calls: were they recorded (-e syscalls)?

# An answer that is empty because the question was wrong says so: a process, name or call the capture does not know is status 1.
$ kymo-record --source synthetic:events=20000,mix=all,seed=3 -q -o a.kymo; kymo import -q --no-symbols a.kymo -o a.db
$ for f in a.kymo a.db; do kymo syscalls -p 99999 $f; echo "status $?"; kymo folded -q --comm nope $f; echo "status $?"; done
> status 1
> status 1
> status 1
> status 1
2> kymo: syscalls: no process 99999 in 'a.kymo'; it has 1000 nginx, 1100 redis-server, 1200 postgres, 1300 java, 1400 python3, 1500 make and 42 more
2> kymo: folded: no thread named 'nope' in 'a.kymo'; it has cc1, cc1-optimize, java, make, nginx, postgres and 4 more
2> kymo: syscalls: no process 99999 in 'a.db'; it has 1000 nginx, 1100 redis-server, 1200 postgres, 1300 java, 1400 python3, 1500 make and 42 more
2> kymo: folded: no thread named 'nope' in 'a.db'; it has cc1, cc1-optimize, java, make, nginx, postgres and 4 more
$ kymo syscalls --json -p 99999 a.kymo; echo "status $?"; kymo flame -p 99999 a.kymo -o a.svg; echo "status $?"; ls a.svg*
> {
>   "error": {
>     "command": "syscalls",
>     "code": "not_found",
>     "message": "no process 99999 in 'a.kymo'; it has 1000 nginx, 1100 redis-server, 1200 postgres, 1300 java, 1400 python3, 1500 make and 42 more",
>     "status": 1
>   }
> }
> status 1
> status 1
2> kymo: syscalls: no process 99999 in 'a.kymo'; it has 1000 nginx, 1100 redis-server, 1200 postgres, 1300 java, 1400 python3, 1500 make and 42 more
2> kymo: flame: no process 99999 in 'a.kymo'; it has 1000 nginx, 1100 redis-server, 1200 postgres, 1300 java, 1400 python3, 1500 make and 42 more
2> ls: cannot access 'a.svg*': No such file or directory
? 2
$ kymo syscalls --comm ngin a.kymo; echo "status $?"
> status 1
2> kymo: syscalls: no thread named 'ngin' in 'a.kymo'; did you mean 'nginx'?
$ kymo syscalls -p nginx a.kymo; echo "status $?"
> status 2
2> kymo: syscalls: --pid: 'nginx' is not a process id; --comm takes names
$ kymo syscalls --name raed a.kymo; echo "status $?"; kymo syscalls --name foo_bar a.kymo; echo "status $?"
> status 1
> status 1
2> kymo: syscalls: 'a.kymo' knows no system call named 'raed'; did you mean 'read'?
2> kymo: syscalls: 'a.kymo' knows no system call named 'foo_bar'
# A thread is not a process.
$ kymo syscalls -p $(kymo sql --csv a.kymo 'SELECT tid FROM task WHERE tid <> tgid ORDER BY tid LIMIT 1' | tail -1 | tr -d '\r') a.kymo; echo "status $?"
> status 1
2> kymo: syscalls: 1001 is a thread of process 1000: use -p 1000
# What the capture knows and did not happen is an answer: status 0, with a word about it.
$ kymo syscalls --name swapon a.kymo; echo "status $?"
> syscall  calls  errors  unfinished  total  share  min  avg  p50  p99  max
> status 0
2> kymo: syscalls: no system calls match the filters
$ kymo syscalls --from 1000 a.kymo; echo "status $?"; kymo folded --to 0 a.kymo; echo "status $?"
> syscall  calls  errors  unfinished  total  share  min  avg  p50  p99  max
> status 0
> status 0
2> kymo: syscalls: --from is after the end of the recording, which is 0.020 s long
2> kymo: syscalls: no system calls match the filters
2> kymo: folded: --to is not after the start of the recording
2> kymo: folded: no CPU samples match the filters
# Windows that end before they begin are mistakes.
$ kymo syscalls --from 25 --to 5 a.kymo; echo "status $?"; kymo folded --from 1 --to 1 a.kymo; echo "status $?"
> status 2
> status 2
2> kymo: syscalls: --to must be later than --from
2> kymo: folded: --to must be later than --from
$ kymo syscalls --from 25 --to 5ns a.kymo; echo "status $?"
> status 2
2> kymo: syscalls: --to must be later than --from
# A query from a terminal is asked for.
$ (echo 'SELECT count(*) AS n FROM task;'; printf '\004') | script -qec 'kymo sql a.kymo' /dev/null | grep -a 'reading SQL' | tr -d '\r'
> kymo: sql: reading SQL from the terminal: end it with Ctrl-D, or give it as an argument
$ echo 'SELECT 1 AS n' | kymo sql a.kymo
> n
> 1

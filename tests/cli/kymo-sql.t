# SQL on captures and databases: read-only, errors named.
$ kymo-record --source synthetic:events=1000,mix=syscalls,seed=3 -q -o a.kymo; kymo import a.kymo -o a.db 2>/dev/null; echo "status $?"
> status 0
$ kymo sql a.kymo 'select count(*) as n from syscall'
>    n
> 1000
$ kymo sql --json a.db 'select count(*) as n from syscall'
> {
>   "rows": [
>     {"n": 1000}
>   ],
>   "loss": {
>     "events_dropped": 0,
>     "events_damaged": 0,
>     "unknown": 0,
>     "complete": true,
>     "spans": []
>   }
> }
$ kymo sql a.db 'drop table syscall'
2> kymo: sql: attempt to write a readonly database
? 1
$ kymo sql a.db 'select x from nowhere'
2> kymo: sql: no such table: nowhere
? 1
$ kymo sql a.db "attach '/tmp/evil.db' as evil"; ls /tmp/evil.db
2> kymo: sql: too many attached databases - max 0
2> ls: cannot access '/tmp/evil.db': No such file or directory
? 2
$ kymo sql a.db 'select load_extension("x")'
2> kymo: sql: not authorized
? 1

# SQL on captures and databases: read-only, errors named.
$ kymo-record --source synthetic:events=1000,mix=syscalls,seed=3 -q -o a.kymo; kymo import a.kymo -o a.db 2>/dev/null; echo "status $?"
$ kymo sql a.kymo 'select count(*) as n from syscall'
$ kymo sql --json a.db 'select count(*) as n from syscall'
$ kymo sql a.db 'drop table syscall'
$ kymo sql a.db 'select nothing from nowhere'
$ kymo sql a.db "attach '/tmp/evil.db' as evil"; ls /tmp/evil.db
$ kymo sql a.db 'select load_extension("x")'

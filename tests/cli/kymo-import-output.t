# A database is never overwritten, followed or left half-made under its final name.
$ kymo-record --source synthetic:events=1000,mix=all,seed=3 -q -o a.kymo; kymo-record --source synthetic:events=1000,mix=all,seed=4 -q -o b.kymo
$ echo precious >taken.db; kymo import a.kymo -o taken.db; echo "status $?"; cat taken.db
$ ln -s elsewhere link.db; kymo import a.kymo -o link.db; echo "status $?"; ls elsewhere
$ mkdir dir; kymo import a.kymo -o dir; echo "status $?"; ls dir
$ kymo import a.kymo -o no/such/x.db; echo "status $?"
$ kymo import missing.kymo -o new.db; echo "status $?"; ls new.db*
$ kymo import a.kymo b.kymo -o two.db 2>/dev/null; echo "status $?"; sqlite3 two.db 'select count(*) from sqlite_schema' | grep -c .
$ kymo info --json two.db | jq '.events_stored'
$ ls

# A database is never overwritten, followed or left half-made under its final name.
$ kymo-record --source synthetic:events=1000,mix=all,seed=3 -q -o a.kymo; kymo-record --source synthetic:events=1000,mix=all,seed=4 -q -o b.kymo
$ echo precious >taken.db; kymo import a.kymo -o taken.db; echo "status $?"; cat taken.db
> status 1
> precious
2> kymo: import: import into 'taken.db': 'taken.db' exists: give another name with -o, or -f to replace it
$ ln -s elsewhere link.db; kymo import a.kymo -o link.db; echo "status $?"; ls elsewhere
> status 1
2> kymo: import: import into 'link.db': 'link.db' is not a regular file: give another name with -o
2> ls: cannot access 'elsewhere': No such file or directory
? 2
$ mkdir dir; kymo import a.kymo -o dir; echo "status $?"; ls dir
> status 1
2> kymo: import: import into 'dir': 'dir' is not a regular file: give another name with -o
$ kymo import a.kymo -o no/such/x.db; echo "status $?"
> status 1
2> kymo: import: import into 'no/such/x.db': create 'no/such/x.db.part': No such file or directory
$ kymo import missing.kymo -o new.db; echo "status $?"; ls new.db*
> status 1
2> kymo: import: import into 'new.db': open 'missing.kymo': No such file or directory
2> ls: cannot access 'new.db*': No such file or directory
? 2
$ echo 'left by a killed import' >again.db.part; kymo import -q a.kymo -o again.db; echo "status $?"; ls again.db*; rm again.db
> status 0
> again.db
$ echo precious >target; ln -s target s.db.part; kymo import -q a.kymo -o s.db 2>/dev/null; echo "status $?"; ln target h.db.part; kymo import -q a.kymo -o h.db; echo "status $?"; cat target; rm target [sh].db.part
> status 1
> status 1
> precious
2> kymo: import: import into 'h.db': 'h.db.part' exists and was not left by an import of this user: remove it, or give another name with -o
$ kymo import a.kymo b.kymo -o two.db 2>/dev/null; echo "status $?"; sqlite3 two.db 'select count(*) from sqlite_schema' | grep -c .
> status 0
> 1
$ kymo info --json two.db | jq '[.captures[].events_stored]'
> [
>   1000,
>   1000
> ]
$ ls
> a.kymo
> b.kymo
> dir
> link.db
> taken.db
> two.db

# Databases as users keep them. Every name is the name of a file, whatever SQLite takes it for.
$ kymo import -q --no-symbols $SAMPLES/live.kymo -o a.db; kymo syscalls a.db >want; for n in 'file:x.db' 'q?mode=memory.db' 'file:y.db?mode=ro' 'a%20b.db' '#h.db' ':memory:' 'x;y z.db'; do cp a.db "./$n"; kymo syscalls "$n" | cmp - want && kymo syscalls "./$n" | cmp - want && kymo syscalls "$PWD/$n" | cmp - want && echo "$n"; done
> file:x.db
> q?mode=memory.db
> file:y.db?mode=ro
> a%20b.db
> #h.db
> :memory:
> x;y z.db
$ kymo import -q --no-symbols $SAMPLES/live.kymo -o 'file:new.db?mode=memory' && kymo syscalls 'file:new.db?mode=memory' | cmp - want && ls file:new*
> file:new.db?mode=memory
# One that another program writes to is waited for. Here the writer lets go once it was seen to wait: it polls.
$ mkfifo go; (printf 'BEGIN EXCLUSIVE;\n.print locked\n'; cat go; echo 'COMMIT;') | sqlite3 a.db >locked & until grep -qs locked locked; do sleep 0.1; done; kymo syscalls a.db >got & reader=$!; sleep 1; : >go; wait $reader; cmp got want && echo 'waited, and read'
> waited, and read

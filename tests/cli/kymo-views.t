# Every number printed is a column of a view that the plain sqlite3 shell can read; summaries are exactly what their definition in SQL says.
$ for c in all live loss waits; do kymo import --quiet --no-symbols $SAMPLES/$c.kymo -o $c.db 2>/dev/null; done; ls
> all.db
> live.db
> loss.db
> waits.db
$ for c in all live loss; do sqlite3 $c.db 'SELECT count(*) FROM (SELECT * FROM syscall_summary EXCEPT SELECT * FROM syscall_summary_definition)' 'SELECT count(*) FROM (SELECT * FROM syscall_summary_definition EXCEPT SELECT * FROM syscall_summary)'; done
> 0
> 0
> 0
> 0
> 0
> 0
$ for c in all live loss; do sqlite3 -separator ' ' $c.db 'SELECT folded, samples FROM folded_stacks' | sort >view.txt; kymo folded --no-symbols $SAMPLES/$c.kymo 2>/dev/null | sort | cmp - view.txt && echo same; done
> same
> same
> same
$ for c in all live loss; do sqlite3 -json $c.db 'SELECT name, calls, errors, unfinished, total_ns, min_ns, p50_ns, p99_ns, max_ns FROM syscalls' | jq -S 'sort_by(.name)' >view.json; kymo syscalls --json $SAMPLES/$c.kymo 2>/dev/null | jq -S '[.syscalls[] | {name, calls, errors, unfinished, total_ns, min_ns, p50_ns, p99_ns, max_ns}] | sort_by(.name)' | cmp - view.json && echo same; done
> same
> same
> same
$ for c in all live loss waits; do for v in $(sqlite3 $c.db "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name"); do sqlite3 $c.db "SELECT count(*) FROM $v" >/dev/null || echo "view $v of $c cannot be read"; done; done
$ for c in all live loss; do sqlite3 $c.db 'PRAGMA integrity_check; PRAGMA foreign_key_check'; done
> ok
> ok
> ok
$ sqlite3 live.db 'SELECT count(*) FROM syscall WHERE task_id NOT IN (SELECT id FROM task)' 'SELECT count(*) FROM cpu_sample WHERE stack_id <> 0 AND stack_id NOT IN (SELECT id FROM stack)' 'SELECT count(*) FROM stack WHERE parent_id >= id OR frame_id NOT IN (SELECT id FROM frame)' 'SELECT count(*) FROM task WHERE process_id NOT IN (SELECT id FROM process)' "SELECT count(*) FROM frame WHERE name GLOB '0x*'"
> 0
> 0
> 0
> 0
> 0

# Tables, views and columns, from the schema itself and what SCHEMA.md and events.def say of it.
$ kymo schema | sed -n '1,2p;/^process /p;/^task_fork /p;/^syscalls /p'
> `kymo schema NAME` shows the columns of a table or view, and a query
> name                          kind   about
> process                       table  A process under one program
> task_fork                     rows   A new task; task is the parent's
> syscalls                      view   System calls, summed by name
$ kymo schema task_exec
> kind:                  table
> about:                 A new program in a process; task is the identity after it
> example:               SELECT * FROM task_exec ORDER BY time_ns LIMIT 10
>
> columns
> column      type     unit  about
> capture_id  INTEGER        
> time_ns     INTEGER  ns    
> task_id     INTEGER        
> old_tid     INTEGER        
> path        TEXT           
> args        TEXT           with blanks between; those with blanks in quotes
> flags       INTEGER        
> cpu         INTEGER        
$ kymo schema nope; kymo schema syscals
2> kymo: schema: no table or view 'nope'; `kymo schema` lists them
2> kymo: schema: no table or view 'syscals'; did you mean syscall?
? 2
# Every table and view says what it is, has columns, and a query that runs. None is there that a database does not have, and the other way round.
$ kymo schema --json >schema.json; jq -r '.tables | to_entries[] | select(.value.about == null or .value.about == "" or (.value.columns | length) == 0) | .key' schema.json
$ kymo import --quiet --no-symbols $SAMPLES/waits.kymo -o w.db; sqlite3 w.db "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name" | diff - <(jq -r '.tables | keys_unsorted | sort | .[]' schema.json)
$ jq -r '.tables[].example + ";"' schema.json >all.sql; sqlite3 w.db <all.sql >/dev/null && echo all run
> all run
$ sqlite3 w.db "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type IN ('table', 'view') ORDER BY 1" | diff - <(jq -r '.tables | to_entries[] | .key as $t | .value.columns[] | $t + "." + .name' schema.json | sort)
$ jq -r '.tables.class_total.columns[] | select(.about != null) | .name + ": " + .about' schema.json
> unmatched_count: returns without an entry seen: not loss
> counted_count: kept in syscall_count rows, not as single events
$ jq -c '.tables.offcpu.columns[] | select(.name == "runq_ns")' schema.json
> {"name":"runq_ns","type":"INTEGER","unit":"ns","about":"the last part of it: it could run and had no CPU"}
# What --json writes has the members that are promised, and no others.
$ cat >members.jq <<<'keys as $k | ($s[0].documents[] | select(.command == $c)) as $d | ($d.always | split(" ")) as $a | ($d.sometimes | split(" ")) as $o | {missing: ($a - $k), unknown: ($k - $a - $o)} | select(. != {missing: [], unknown: []})'; echo 'kymo "$@" --json 2>/dev/null | jq -c --arg c $1 --slurpfile s schema.json -f members.jq' >check.sh
$ for c in all live loss waits net; do for r in summary info syscalls offcpu net block mem flame folded overhead verify; do bash check.sh $r $SAMPLES/$c.kymo | sed "s/^/$r $c: /"; done; done
$ bash check.sh syscalls --errors --by-process --in-flight --blocked --on-cpu --estimate --histogram $SAMPLES/loss.kymo; bash check.sh syscalls --errors --in-flight --histogram $SAMPLES/live.kymo
$ for o in --slow --chain --runqueue --folded --waker --by-process; do bash check.sh offcpu $o $SAMPLES/waits.kymo; done; bash check.sh flame --offcpu $SAMPLES/waits.kymo; for o in --connections --peers --latency --events --drops; do bash check.sh net $o $SAMPLES/net.kymo; done; for o in --histogram --heat --sizes --slow; do bash check.sh block $o $SAMPLES/net.kymo; done; for o in --growth --rss --stalls --folded; do bash check.sh mem $o $SAMPLES/net.kymo; done; kymo redact -q --list --json $SAMPLES/live.kymo -o r.kymo >r.json 2>/dev/null; jq -c --arg c redact --slurpfile s schema.json -f members.jq r.json; bash check.sh overhead --timeline --decisions $SAMPLES/waits.kymo; bash check.sh sql $SAMPLES/loss.kymo 'SELECT 1'; bash check.sh schema
$ jq -r '.documents[].command' schema.json | sort | diff - <(for c in $(kymo --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do kymo help $c | grep -q -- --json && echo $c; done | sort)

# What goes together, and what is refused.
$ kymo export $SAMPLES/live.kymo
2> kymo: export: give a format: --format pprof, speedscope, firefox, perfetto, perf-script or folded, or --table NAME
? 2
$ kymo export -F nope $SAMPLES/live.kymo
2> kymo: export: --format: unknown format 'nope' (known: pprof, speedscope, firefox, perfetto, perf-script, folded, ndjson, csv)
? 2
$ kymo export -F ndjson $SAMPLES/live.kymo
2> kymo: export: --format ndjson needs --table NAME; `kymo schema` lists tables and views
? 2
$ kymo export -F pprof --table syscall $SAMPLES/live.kymo
2> kymo: export: --table is for --format ndjson and csv, not pprof
? 2
$ kymo export -F folded --stacks cpu,offcpu $SAMPLES/live.kymo
2> kymo: export: folded stacks hold one kind: give --stacks one name
? 2
$ kymo export -F folded --stacks heap $SAMPLES/live.kymo
2> kymo: export: --stacks: unknown kind of stacks 'heap' (known: cpu, offcpu, faults, stalls)
? 2
$ kymo export -t 'syscall; DROP TABLE x' $SAMPLES/live.kymo
2> kymo: export: --table: 'syscall; DROP TABLE x' is no table or view; `kymo schema` lists them
? 2
$ kymo export -t syscals $SAMPLES/live.kymo
2> kymo: export: no table or view 'syscals'; did you mean syscall?
? 2
$ kymo export -t sqlite_schema $SAMPLES/live.kymo
2> kymo: export: no table or view 'sqlite_schema'; `kymo schema` lists them
? 2
$ kymo export -t errno_name --from 1 $SAMPLES/live.kymo
2> kymo: export: --from cannot be applied to 'errno_name': it has no column time_ns
? 2
$ kymo export -t errno_name --pid 1 $SAMPLES/live.kymo 2>&1 | head -1
> kymo: export: no process 1 in '$SAMPLES/live.kymo'; it has 3282 kymo-record, 3282 bash, 3311 bash, 3311 workload, 3313 bash, 3313 sqlite3 and 12 more
$ kymo export -t module --comm workload $SAMPLES/live.kymo
2> kymo: export: --comm cannot be applied to 'module': it has no column comm or task_id
? 2
# Tables: types, NULL, text.
$ kymo export -t errno_name $SAMPLES/live.kymo | head -2
> {"error":1,"name":"EPERM"}
> {"error":2,"name":"ENOENT"}
$ kymo export -t capture $SAMPLES/all.kymo | jq -c '[.host, .cpu_count, .complete]'
> ["synthetic",4,1]
$ kymo export -F csv -t errno_name $SAMPLES/live.kymo | head -2
> error,name
> 1,EPERM
$ kymo export -t syscall_calls --pid 3311 --comm workload --to 1 $SAMPLES/live.kymo | jq -c '[.name, .tgid]' | sort | uniq -c | sort -rn | head -3
>    1464 ["openat",3311]
>    1460 ["write",3311]
>    1460 ["sendto",3311]
# A file is complete or not there; the input is never the output.
$ kymo export -F pprof -o x.pb.gz $SAMPLES/live.kymo; kymo export -F pprof -o x.pb.gz $SAMPLES/live.kymo; kymo export -F pprof -f -o x.pb.gz $SAMPLES/live.kymo; ls
> x.pb.gz
2> kymo: export: 'x.pb.gz' exists: give another name with -o, or -f to replace it
$ cp $SAMPLES/live.kymo in.kymo; kymo export -F folded -f -o in.kymo in.kymo; cmp in.kymo $SAMPLES/live.kymo
2> kymo: export: 'in.kymo' is both a capture to read and the output
$ kymo export -F perfetto $SAMPLES/live.kymo >/dev/full
2> kymo: export: write the output: No space left on device
? 1
# The same input gives the same bytes, also from a database.
$ kymo import --quiet --no-symbols $SAMPLES/live.kymo -o live.db; for f in pprof speedscope firefox perfetto perf-script folded; do kymo export -F $f --no-symbols $SAMPLES/live.kymo | md5sum >1; kymo export -F $f --no-symbols $SAMPLES/live.kymo | md5sum | cmp - 1 && kymo export -F $f live.db | md5sum | cmp - 1 && echo $f; done
> pprof
> speedscope
> firefox
> perfetto
> perf-script
> folded
# What was lost is told, in the file and by the status.
$ kymo export -F perf-script --no-symbols $SAMPLES/loss.kymo | head -3
> # ========
> # kymo export of loss.kymo: host sample-host, kernel 6.18.44-fc-v657, recorded 2026-11-23T01:18:28Z for 0.48 s
> # CPU samples: all of the time; 0 lost, 8,346 elsewhere
2> kymo: export: CPU samples: all of the time; 0 lost, 8,346 elsewhere; see kymo overhead
$ kymo export -F speedscope --no-symbols $SAMPLES/loss.kymo 2>/dev/null | jq -r '.kymo[1]'
> CPU samples: all of the time; 0 lost, 8,346 elsewhere
# Nothing to export is said.
$ kymo export -F pprof --stacks offcpu -o none.pb.gz $SAMPLES/live.kymo; ls none.pb.gz
> none.pb.gz
2> kymo: export: nothing was exported: the capture has no such events
$ kymo export -t offcpu $SAMPLES/live.kymo
2> kymo: export: nothing was exported: the table is empty
# Captures of one database have no time in common.
$ kymo import --quiet --no-symbols $SAMPLES/live.kymo $SAMPLES/waits.kymo -o two.db; kymo export -F pprof two.db | wc -c; kymo export -F folded --capture 1 two.db | md5sum | cmp - <(kymo export -F folded --no-symbols $SAMPLES/live.kymo | md5sum)
> 0
2> kymo: export: the database holds 2 captures, which have no time in common: choose one with --capture

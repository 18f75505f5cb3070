# What threads waited for. The tables are in golden/waits; here: that their numbers are exact, and what is said beside them.
$ cp $SAMPLES/waits.kymo .; kymo import -q --no-symbols waits.kymo -o waits.db
# Each interval once: rows that are stored singly, and those that were counted.
$ sqlite3 waits.db 'SELECT total(intervals) = (SELECT count(*) FROM offcpu) + (SELECT sum(interval_count) FROM offcpu_count), total(total_ns) = (SELECT sum(duration_ns) FROM offcpu) + (SELECT sum(total_ns) FROM offcpu_count), total(runq_ns) = (SELECT sum(runq_ns) FROM offcpu) + (SELECT sum(runq_total_ns) FROM offcpu_count) FROM offcpu_waits'
> 1|1|1
$ sqlite3 waits.db 'SELECT what, total(intervals) = (SELECT total(intervals) FROM offcpu_parts WHERE what = '"'duration'"' OR runq_ns > 0), total(total_ns) = (SELECT total(CASE what WHEN '"'duration'"' THEN total_ns ELSE runq_ns END) FROM offcpu_parts) FROM offcpu_histogram GROUP BY what'
> duration|1|1
> runq|1|1
$ sqlite3 waits.db 'SELECT count(*) FROM offcpu_parts WHERE intervals = 1 AND ((total_ns >> bucket) <> 1 OR runq_ns > 0 AND (runq_ns >> runq_bucket) <> 1)'
> 0
$ sqlite3 waits.db 'SELECT count(*) FROM offcpu_parts WHERE shortest_ns * intervals > total_ns OR longest_ns * intervals < total_ns OR longest_ns > total_ns'
> 0
# The command says the same as its views.
$ for f in waits.kymo waits.db; do kymo offcpu --all --json $f | jq -S '[.offcpu_waits[]] | sort_by(.name, .reason, .idle)' >command.json; sqlite3 -json waits.db 'SELECT comm, name, reason, intervals, total_ns, longest_ns, runq_ns, processes, tgid, longest_is_bound, idle, kernel_thread, capture_id FROM offcpu_waits' | jq -S 'sort_by(.name, .reason, .idle)' | cmp - command.json && echo same; done
> - command.json differ: char 56, line 5
> - command.json differ: char 56, line 5
? 1
$ for f in waits.kymo waits.db; do kymo offcpu -q --no-symbols --folded $f 2>/dev/null | sort >command.txt; sqlite3 -separator ' ' waits.db "SELECT replace(replace(s.comm, ';', ':'), ' ', '_') || ';' || COALESCE(x.text, '[no stack]') AS folded, sum(s.weight_ns) / 1000 FROM offcpu_stacks s LEFT JOIN stack_text x ON x.stack_id = s.stack_id WHERE NOT s.idle AND NOT s.kernel_thread GROUP BY folded" | sort | cmp - command.txt && echo same; done
> same
> same
$ kymo offcpu --runqueue --json waits.kymo | jq -c '[.offcpu_histogram[].intervals] | add' ; sqlite3 waits.db "SELECT sum(intervals) FROM offcpu_histogram WHERE what = 'runq' AND NOT idle AND NOT kernel_thread"
> 530
> 530
# What waited all the time is shown on demand; more rows, too.
$ kymo offcpu -n 1 waits.kymo | wc -l; kymo offcpu --all waits.kymo >/dev/null
> 3
$ kymo offcpu --slow -n 3 --reason sleep --json waits.kymo | jq -c '.slow_waits[] | [.name, .reason, .unfinished, .since_before]'
> ["clock_nanosleep","sleep",1,0]
> ["clock_nanosleep","sleep",0,1]
> ["futex","sleep",0,0]
# Bounds hold for single waits; counted ones are known to a power of two.
$ kymo offcpu --min 10ms --max 100ms --json waits.kymo | jq -c '[.offcpu_waits[] | .longest_ns >= 10000000 and .longest_ns <= 100000000] | all'
> true
$ kymo offcpu --max 300us waits.kymo | sed 's/[0-9]* counted/N counted/' | head -1; kymo offcpu --max 300us --json waits.kymo | jq '.counted_left_out > 0'
> waits: all of the time; 0 lost; N counted waits at the edges left out
> true
$ kymo offcpu --csv --slow --min 100ms waits.kymo | wc -l; kymo sql --csv waits.kymo 'SELECT count(*) FROM slow_waits WHERE duration_ns >= 100000000 AND NOT idle'
> 5
> count(*)
> 4
# System calls that blocked, though calls were not recorded.
$ kymo syscalls --blocked --json waits.kymo | jq -cS '[.syscall_blocked[]]' >command.json; sqlite3 -json waits.db 'SELECT * FROM syscall_blocked ORDER BY blocked_ns DESC' | jq -cS . | cmp - command.json && echo same
> same
2> kymo: syscalls: no system calls: were they recorded (-e syscalls)?
$ kymo syscalls --blocked --name read waits.kymo
> syscall  calls  errors  unfinished  total  share  min  avg  p50  p99  max
>
> syscall_blocked
> syscall  kind  waits  of 10 ms or more     blocked     share     longest
> read     peer      1                 1  200.224 ms  100.00 %  200.224 ms
2> kymo: syscalls: no system calls match the filters
$ kymo syscalls --blocked $SAMPLES/live.kymo 2>&1 >/dev/null
> kymo: syscalls: no calls blocked: were waits recorded (-e sched)?
# Mistakes.
$ kymo offcpu --reason nap waits.kymo; echo "status $?"; kymo offcpu --min 10 waits.kymo; echo "status $?"; kymo offcpu --min 2s --max 1s waits.kymo; echo "status $?"; kymo offcpu --slow --folded waits.kymo; echo "status $?"; kymo offcpu -n -1 waits.kymo; echo "status $?"
> status 2
> status 2
> status 2
> status 2
> status 2
2> kymo: offcpu: --reason: unknown reason 'nap' (known: sleep, disk, iowait, preempted, stopped, idle, other)
2> kymo: offcpu: --min: '10' is not a duration: give a number and ns, us, ms or s
2> kymo: offcpu: --min must not be above --max
2> kymo: offcpu: --folded: choose one of --slow, --chain, --runqueue and --folded
2> kymo: offcpu: --limit: '-1' is not a number from 0 to 2147483647
# Captures without waits.
$ kymo offcpu $SAMPLES/live.kymo; echo "status $?"; kymo offcpu --folded -q $SAMPLES/live.kymo; echo "status $?"
> process  call  kind  waits  time  share  longest  run queue
> status 0
> status 0
2> kymo: offcpu: no waits: recorded without -e sched
2> kymo: offcpu: no waits: recorded without -e sched
$ kymo offcpu --from 100 waits.kymo; echo "status $?"
> process  call  kind  waits  time  share  longest  run queue
> status 0
2> kymo: offcpu: --from is after the end of the recording, which is 2.142 s long
2> kymo: offcpu: no waits match the filters

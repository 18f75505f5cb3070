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
$ for f in waits.kymo waits.db; do kymo offcpu --all --json $f | jq -S '[.offcpu_waits[]] | sort_by(.name, .reason, .idle)' >command.json; sqlite3 -json waits.db 'SELECT comm, name, wait_kind, reason, intervals, total_ns, share_percent, longest_ns, runq_ns, processes, tgid, longest_is_bound, idle, kernel_thread, capture_id FROM offcpu_waits' | jq -S 'sort_by(.name, .reason, .idle)' | cmp - command.json && echo same; done
> same
> same
$ for f in waits.kymo waits.db; do kymo offcpu -q --no-symbols --folded $f 2>/dev/null | sort >command.txt; sqlite3 -separator ' ' waits.db "SELECT replace(replace(s.comm, ';', ':'), ' ', '_') || ';' || COALESCE(x.text, '[no stack]') AS folded, sum(s.weight_ns) / 1000 FROM offcpu_stacks s LEFT JOIN stack_text x ON x.stack_id = s.stack_id WHERE NOT s.idle AND NOT s.kernel_thread GROUP BY folded" | sort | cmp - command.txt && echo same; done
> same
> same
$ kymo offcpu --runqueue --json waits.kymo | jq -c '[.offcpu_histogram[].intervals] | add' ; sqlite3 waits.db "SELECT sum(intervals) FROM offcpu_histogram WHERE what = 'runq' AND NOT idle AND NOT kernel_thread"
> 530
> 530
2> kymo: offcpu: kernel threads and threads that waited all the time are left out: --all
# Who ended waits: the command as the view; stacks with the waker on top have the weight of those without, also in a flame graph.
$ for f in waits.kymo waits.db; do kymo offcpu --waker --all --json $f | jq -S '[.offcpu_wakers[] | del(.share_percent)] | sort_by(.woken_by, .name, .idle)' >command.json; sqlite3 -json waits.db 'SELECT * FROM offcpu_wakers' | jq -S 'sort_by(.woken_by, .name, .idle)' | cmp - command.json && echo same; done
> same
> same
$ for w in '' --waker; do kymo offcpu --folded -q --no-symbols $w waits.kymo 2>/dev/null | awk '{ n += $NF; w += / [0-9]+$/ && /;--;/ } END { print n, w == NR, w == 0 }'; done; for w in '' --waker; do kymo flame --offcpu --no-symbols --kind lock $w --json waits.kymo | jq -c '.intervals, [.. | .name? // empty | select(. == "--")]'; done
> 3403404 0 1
> 3403404 1 0
> 20
> []
> 20
> ["--"]
$ kymo offcpu --waker --folded -q --no-symbols --kind peer waits.kymo 2>/dev/null | grep -o ';--;.*'; kymo flame --reason stopped waits.kymo 2>&1 >/dev/null; kymo flame --kind nap waits.kymo; echo "status $?"; kymo offcpu --waker --slow waits.kymo; echo "status $?"
> ;--;python3 200223
> kymo: flame: no waits match the filters
> status 2
> status 2
2> kymo: flame: --kind: unknown kind 'nap' (known: lock, io, peer, sched, stopped, timer, child, idle, other)
2> kymo: offcpu: --waker goes with the table and with --folded: --slow names wakers anyway, --runqueue has none
# Processes apart: histograms and rows of each, which sum up to those of all.
$ kymo offcpu --runqueue --by-process --json waits.kymo 2>/dev/null | jq -c '[.offcpu_histogram | group_by(.tgid)[] | [.[0].comm, .[0].tgid, (map(.intervals) | add)]]'; kymo offcpu --runqueue --by-process -n 2 waits.kymo | grep running; kymo offcpu --runqueue waits.kymo 2>/dev/null | awk '/->/ { n += $5 } END { print n }'; kymo offcpu --by-process --kind sched --csv waits.kymo 2>/dev/null | cut -d, -f2,5,11
> [["python3",12330,300],["python3",12496,209],["python3",12500,21]]
> python3 (pid 12330), from being woken to running
> python3 (pid 12330), from being preempted to running
> python3 (pid 12500), from being preempted to running
> 530
> name,intervals,tgid
> "'-",21,12500
> "'-",208,12496
> futex,7,12330
> clone,1,12330
> write,1,12496
> clone3,1,12330
> "'-",1,12330
2> kymo: offcpu: 1 more rows: -n 3; kernel threads and threads that waited all the time are left out: --all
# What waited all the time is shown on demand; more rows, too.
$ kymo offcpu -n 1 waits.kymo | wc -l; kymo offcpu --all waits.kymo >/dev/null
> 2
2> kymo: offcpu: 10 more rows: -n 11; kernel threads and threads that waited all the time are left out: --all
$ kymo offcpu --slow -n 3 --reason sleep --json waits.kymo | jq -c '.slow_waits[] | [.name, .reason, .unfinished, .since_before]'
> ["clock_nanosleep","sleep",1,0]
> ["clock_nanosleep","sleep",0,1]
> ["futex","sleep",0,0]
2> kymo: offcpu: 53 more rows: -n 56; kernel threads and threads that waited all the time are left out: --all
# Bounds hold for single waits; counted ones are known to a power of two.
$ kymo offcpu --min 10ms --max 100ms --json waits.kymo | jq -c '[.offcpu_waits[] | .longest_ns >= 10000000 and .longest_ns <= 100000000] | all'
> true
$ kymo offcpu --max 300us --json waits.kymo 2>&1 >/dev/null | sed 's/[0-9]* counted/N counted/'
> kymo: offcpu: N counted waits are left out: they are only partly within the times or durations asked for
$ kymo offcpu --csv --slow --min 100ms waits.kymo | wc -l; kymo sql --csv waits.kymo 'SELECT count(*) FROM slow_waits WHERE duration_ns >= 100000000 AND NOT idle'
> 5
> count(*)
> 4
2> kymo: offcpu: kernel threads and threads that waited all the time are left out: --all
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
$ kymo offcpu --reason nap waits.kymo; echo "status $?"; kymo offcpu --min 10 waits.kymo; echo "status $?"; kymo offcpu --min 2s --max 1s waits.kymo; echo "status $?"; kymo offcpu --slow --folded waits.kymo; echo "status $?"; kymo offcpu -n 0 waits.kymo; echo "status $?"
> status 2
> status 2
> status 2
> status 2
> status 2
2> kymo: offcpu: --reason: unknown reason 'nap' (known: sleep, disk, iowait, preempted, stopped, idle, other)
2> kymo: offcpu: --min: '10' is not a duration: give a number and ns, us, ms or s
2> kymo: offcpu: --min must not be above --max
2> kymo: offcpu: --folded: choose one of --slow, --chain, --runqueue and --folded
2> kymo: offcpu: --limit: '0': a number from 1 on is needed
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

# Chains of waits: who ended a wait, what that thread had waited for, and so on. A database with known waits of eight threads, in ms.
$ cp $SAMPLES/waits.kymo .; kymo import -q --no-symbols waits.kymo -o w.db; sqlite3 w.db 'DELETE FROM offcpu; DELETE FROM offcpu_count' "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 8) INSERT INTO task SELECT 100 + n, 1, 1, 12330, 200 + n, 'thread' || n FROM i"
$ cat >wait.sh <<<'sqlite3 $1 "INSERT INTO offcpu(capture_id, time_ns, duration_ns, runq_ns, weight_ns, waker_task_id, task_id, stack_id, waker_stack_id, sysno, reason, flags, cpu) SELECT 1, c.start_ns + $4 * 1000000, ($5 - $4) * 1000000, CASE '"'\$7' WHEN 'preempted' THEN (\$5 - \$4) * 1000000 ELSE 1000 END, (\$5 - \$4) * 1000000, CASE \$3 WHEN 0 THEN 0 ELSE 100 + \$3 END, 100 + \$2, 0, 0, COALESCE(n.value, 4294967295), r.value, CASE \$3 WHEN 0 THEN 8 ELSE 0 END, 0 FROM capture c LEFT JOIN enum_name n ON n.kind = 'sysno' AND n.name = '\$6' JOIN enum_name r ON r.kind = 'wait' AND r.name = '\$7'"'"'
# wait.sh DATABASE THREAD WAKER FROM TO CALL REASON; waker 0: an interrupt. Thread 1 waits for 2, which waits for 3, which waits for a disk.
$ cp w.db three.db; for w in '1 2 0 100 futex sleep' '2 3 5 95 read sleep' '3 0 10 90 fsync iowait' '2 3 96 97 futex sleep' '3 0 200 400 fsync iowait' '3 0 -50 4 fsync iowait'; do bash wait.sh three.db $w; done; kymo offcpu --chain three.db; kymo offcpu --chain --json three.db | jq -c '.wait_chains[] | [.chain, .hop, .comm, .tid, .name, .wait_kind, .duration_ns / 1e6, .overlap_ns / 1e6, .times, .waker_tid, .end]'
>   100 ms  thread1 201: futex (lock), at 0.000
>  90.0 ms    woken by thread2 202: read (peer)
>  80.0 ms      woken by thread3 203: fsync (io)
>                 woken by a timer or a device
>  1.00 ms  thread2 202: futex (lock), at 0.096
>             woken by thread3 203, which ran, or waited briefly
> [1,0,"thread1",201,"futex","lock",100,100,1,202,null]
> [1,1,"thread2",202,"read","peer",90,90,1,203,null]
> [1,2,"thread3",203,"fsync","io",80,80,1,null,"interrupt"]
> [2,0,"thread2",202,"futex","lock",1,1,1,203,"ran"]
# What stands in a chain begins none; the same again makes no second one. Many short waits for the same count together; a waker that waited for less than a tenth of the time ran.
$ cp three.db more.db; for w in '1 2 500 540 futex sleep' '2 3 502 538 read sleep' '3 0 505 535 fsync iowait' '4 5 100 200 futex sleep' '5 0 102 140 clock_nanosleep sleep' '5 0 150 188 clock_nanosleep sleep' '5 0 190 195 fsync iowait' '6 7 300 400 read sleep' '7 0 310 315 clock_nanosleep sleep' '7 8 600 700 flock sleep' '8 0 610 690 - preempted'; do bash wait.sh more.db $w; done; kymo offcpu --chain more.db
>   100 ms  thread1 201: futex (lock), at 0.000; 2 alike, 140 ms
>  90.0 ms    woken by thread2 202: read (peer)
>  80.0 ms      woken by thread3 203: fsync (io)
>                 woken by a timer or a device
>   100 ms  thread4 204: futex (lock), at 0.100
>  76.0 ms    woken by thread5 205: clock_nanosleep (timer), 2 times
>               woken by a timer or a device
>   100 ms  thread6 206: read (peer), at 0.300
>             woken by thread7 207, which ran, or waited briefly
>   100 ms  thread7 207: flock (lock), at 0.600
>  80.0 ms    woken by thread8 208: preempted (sched)
>  1.00 ms  thread2 202: futex (lock), at 0.096
>             woken by thread3 203, which ran, or waited briefly
# What is asked for bounds where chains begin, not where they lead; -n counts lines and leaves no chain half.
$ kymo offcpu --chain --min 100ms --kind peer more.db; kymo offcpu --chain --from 0.55 more.db; kymo offcpu --chain -n 6 more.db; kymo offcpu --chain --kind io more.db
>   100 ms  thread6 206: read (peer), at 0.300
>             woken by thread7 207, which ran, or waited briefly
>   100 ms  thread7 207: flock (lock), at 0.600
>  80.0 ms    woken by thread8 208: preempted (sched)
>   100 ms  thread1 201: futex (lock), at 0.000; 2 alike, 140 ms
>  90.0 ms    woken by thread2 202: read (peer)
>  80.0 ms      woken by thread3 203: fsync (io)
>                 woken by a timer or a device
> 7 more (-n 0 shows all)
2> kymo: offcpu: no waits match that a thread was seen to end
# At most six waits long: eight threads, each waiting for the next.
$ cp w.db deep.db; for n in 1 2 3 4 5 6 7; do bash wait.sh deep.db $n $((n + 1)) $n $((100 - n)) futex sleep; done; kymo offcpu --chain -n 7 deep.db
>  98.0 ms  thread1 201: futex (lock), at 0.001
>  96.0 ms    woken by thread2 202: futex (lock)
>  94.0 ms      woken by thread3 203: futex (lock)
>  92.0 ms        woken by thread4 204: futex (lock)
>  90.0 ms          woken by thread5 205: futex (lock)
>  88.0 ms            woken by thread6 206: futex (lock)
>                       woken by thread7 207: ...
> 2 more (-n 0 shows all)
# Waiting for work begins a chain only if it is asked for.
$ cp w.db idle.db; bash wait.sh idle.db 1 2 0 100 epoll_wait sleep; bash wait.sh idle.db 2 0 5 95 clock_nanosleep sleep; kymo offcpu --chain idle.db; kymo offcpu --chain --idle idle.db; kymo offcpu --chain --kind idle --csv idle.db | cut -d, -f 3,4,7,10
>   100 ms  thread1 201: epoll_wait (idle), at 0.000
>  90.0 ms    woken by thread2 202: clock_nanosleep (timer)
>               woken by a timer or a device
> overlap_ns,times,comm,name
> 100000000,1,thread1,epoll_wait
> 90000000,1,thread2,clock_nanosleep
2> kymo: offcpu: no waits match that a thread was seen to end
# Numbers that a capture cannot have do no harm.
$ cp w.db lies.db; sqlite3 lies.db "INSERT INTO offcpu(capture_id, time_ns, duration_ns, runq_ns, weight_ns, waker_task_id, task_id, stack_id, waker_stack_id, sysno, reason, flags, cpu) SELECT 1, a.v, b.v, c.v, 1, t.id, u.id, 0, 0, 202, 0, 0, 0 FROM (VALUES (-9223372036854775808), (0), (9223372036854775807)) x, (SELECT column1 AS v FROM (VALUES (-9223372036854775808), (0), (1), (9223372036854775807))) a, (SELECT column1 AS v FROM (VALUES (-9223372036854775808), (0), (9223372036854775807))) b, (SELECT column1 AS v FROM (VALUES (-1), (0), (9223372036854775807))) c, task t, task u"; kymo offcpu --chain -q lies.db >out.txt 2>&1; echo "status $?"
> status 0

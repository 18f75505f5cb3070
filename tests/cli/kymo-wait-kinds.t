# What waits are for: the table of reasons and calls, and pools of threads that wait for work.
$ cp $SAMPLES/waits.kymo .; kymo import -q --no-symbols waits.kymo -o waits.db
# Each reason has a kind, each row names a reason, a call and kinds that there are, and none stands there twice.
$ sqlite3 waits.db "SELECT name FROM enum_name WHERE kind = 'wait' EXCEPT SELECT reason FROM wait_calls WHERE name = 'any'" "SELECT reason FROM wait_calls EXCEPT SELECT name FROM enum_name WHERE kind = 'wait'" "SELECT name FROM wait_calls WHERE name NOT IN ('any', 'kernel') EXCEPT SELECT name FROM enum_name WHERE kind = 'sysno'" "SELECT wait_kind FROM wait_calls UNION SELECT pooled_kind FROM wait_calls EXCEPT SELECT wait_kind FROM wait_kinds" "SELECT reason, name FROM wait_calls GROUP BY reason, name HAVING count(*) > 1"
# One interval of 1 ms for each reason and call that the table names, one of a call that it does not, and those of a kernel thread.
$ cp waits.db kinds.db; sqlite3 kinds.db 'DELETE FROM offcpu; DELETE FROM offcpu_count' "UPDATE process SET kernel_thread = 1 WHERE id = 3" "INSERT INTO offcpu(capture_id, time_ns, duration_ns, runq_ns, weight_ns, waker_task_id, task_id, stack_id, waker_stack_id, sysno, reason, flags, cpu) SELECT 1, c.start_ns, 1000000, 0, 1000000, 0, 1, 0, 0, n.value, r.value, 0, 0 FROM capture c, enum_name n, enum_name r WHERE n.kind = 'sysno' AND n.name IN ('getpid', 'futex', 'read', 'fsync', 'accept4', 'mmap', 'vfork', 'wait4', 'nanosleep') AND r.kind = 'wait'" "INSERT INTO offcpu(capture_id, time_ns, duration_ns, runq_ns, weight_ns, waker_task_id, task_id, stack_id, waker_stack_id, sysno, reason, flags, cpu) SELECT 1, c.start_ns, 1000000, 0, 1000000, 0, 3, 0, 0, 4294967295, r.value, 0, 0 FROM capture c, enum_name r WHERE r.kind = 'wait'"
$ sqlite3 -separator ' ' kinds.db "SELECT name, group_concat(reason || ' ' || wait_kind, ', ') FROM (SELECT DISTINCT name, reason, wait_kind FROM offcpu_parts ORDER BY name, reason) GROUP BY name"
> - disk io, idle idle, iowait io, other other, preempted sched, sleep idle, stopped stopped
> accept4 disk io, idle idle, iowait io, other other, preempted sched, sleep idle, stopped stopped
> fsync disk io, idle idle, iowait io, other other, preempted sched, sleep io, stopped stopped
> futex disk io, idle idle, iowait io, other other, preempted sched, sleep lock, stopped stopped
> getpid disk io, idle idle, iowait io, other other, preempted sched, sleep other, stopped stopped
> mmap disk lock, idle idle, iowait io, other other, preempted sched, sleep other, stopped stopped
> nanosleep disk io, idle idle, iowait io, other other, preempted sched, sleep timer, stopped stopped
> read disk io, idle idle, iowait io, other other, preempted sched, sleep peer, stopped stopped
> vfork disk child, idle idle, iowait io, other other, preempted sched, sleep child, stopped stopped
> wait4 disk io, idle idle, iowait io, other other, preempted sched, sleep child, stopped stopped
# The command says the same as the views; a kind that is not known is refused, and waiting for work is in no share unless it is asked for.
$ kymo offcpu --kind child,timer --csv kinds.db | cut -d, -f1-4 | sort; kymo offcpu --kind idle --csv kinds.db | cut -d, -f2,3,7; kymo offcpu --csv kinds.db | grep ',idle,' | cut -d, -f2,3,7; kymo offcpu --idle --csv kinds.db | grep ',idle,' | cut -d, -f2,3,7
> comm,name,wait_kind,reason
> python3,nanosleep,timer,sleep
> python3,vfork,child,disk
> python3,vfork,child,sleep
> python3,wait4,child,sleep
> name,wait_kind,share_percent
> accept4,idle,10
> accept4,idle,10
> fsync,idle,10
> futex,idle,10
> getpid,idle,10
> mmap,idle,10
> nanosleep,idle,10
> read,idle,10
> vfork,idle,10
> wait4,idle,10
> name,wait_kind,share_percent
> accept4,idle,
> accept4,idle,
> fsync,idle,
> futex,idle,
> getpid,idle,
> mmap,idle,
> nanosleep,idle,
> read,idle,
> vfork,idle,
> wait4,idle,
> name,wait_kind,share_percent
> accept4,idle,1.5873015873015872
> accept4,idle,1.5873015873015872
> fsync,idle,1.5873015873015872
> futex,idle,1.5873015873015872
> getpid,idle,1.5873015873015872
> mmap,idle,1.5873015873015872
> nanosleep,idle,1.5873015873015872
> read,idle,1.5873015873015872
> vfork,idle,1.5873015873015872
> wait4,idle,1.5873015873015872
$ kymo offcpu --kind lock,nap kinds.db; echo "status $?"; kymo offcpu --kind '' kinds.db; echo "status $?"; kymo offcpu --slow --csv --kind lock kinds.db | cut -d, -f5,6 | sort -u
> status 2
> status 2
> futex,lock
> mmap,lock
> name,wait_kind
2> kymo: offcpu: --kind: unknown kind 'nap' (known: lock, io, peer, sched, stopped, timer, child, idle, other)
2> kymo: offcpu: --kind: unknown kind '' (known: lock, io, peer, sched, stopped, timer, child, idle, other)
# A pool: threads that wait in futex. $1: who wakes them (0: the main thread, 1: the next one), $2: how many, $3: for how many percent of the time.
# Woken by others they are idle; handing on to the next they wait for a lock; two threads are no pool, and neither are threads that work most of the time.
# What is only counted is known by process, and stays a wait for a lock. At last: some are woken by fellows, as where a worker passes work on.
$ pool() { cp waits.db pool.db; sqlite3 pool.db 'DELETE FROM offcpu; DELETE FROM offcpu_count' "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $2) INSERT INTO task SELECT 100 + n, 1, 1, 12330, 200 + n, 'worker-' || n FROM i" "WITH RECURSIVE w(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM w WHERE n < 9) INSERT INTO offcpu(capture_id, time_ns, duration_ns, runq_ns, weight_ns, waker_task_id, task_id, stack_id, waker_stack_id, sysno, reason, flags, cpu) SELECT 1, c.start_ns + n * c.duration_ns / 10, c.duration_ns / 1000 * $3, 0, c.duration_ns / 1000 * $3, CASE $1 WHEN 0 THEN 1 ELSE 101 + (t.id - 100 + n) % $2 END, t.id, 0, 0, 202, 0, 0, 0 FROM capture c, w, task t WHERE t.id > 100" 'INSERT INTO offcpu_count SELECT 1, end_ns, start_ns, 5, 25000, 0, 1, 202, 0, 12, 0, 0 FROM capture'; sqlite3 -separator ' ' pool.db 'SELECT name, wait_kind, intervals, round(share_percent) FROM offcpu_waits ORDER BY wait_kind'; }; pool 1 4 90; echo; pool 0 2 90; echo; pool 0 4 40; echo; pool 0 4 90; sqlite3 pool.db 'UPDATE offcpu SET waker_task_id = 101 WHERE task_id = 102' 'SELECT DISTINCT wait_kind FROM slow_waits' "UPDATE offcpu SET waker_task_id = 101 WHERE task_id = 103 AND time_ns = (SELECT start_ns FROM capture)" 'SELECT DISTINCT wait_kind FROM slow_waits'
> futex lock 45 100.0
>
> futex lock 25 100.0
>
> futex lock 45 100.0
>
> futex idle 40 
> futex lock 5 100.0
> idle
> lock
# Calls that wait for work are in no share of kymo syscalls, and last; people read why.
$ cp $SAMPLES/all.kymo .; kymo syscalls --json all.kymo | jq -c '([.syscalls[].share_percent | values] | add * 1000 | round), [.syscalls[] | select(.share_percent == null) | [.name, .for_work]]'; kymo syscalls --json --idle all.kymo | jq -c '([.syscalls[].share_percent] | add * 1000 | round), .syscalls[0].name'; kymo syscalls all.kymo | awk '/ idle / { print $1 }'; kymo syscalls --by-process -n 3 --name accept4 all.kymo | awk '{ print $2, $3 }'; kymo syscalls --sort total -n 1 --csv all.kymo | cut -d, -f1
> 100000
> [["epoll_pwait",1],["ppoll",1],["accept4",1]]
> 100000
> "epoll_pwait"
> comm syscall
> redis-server accept4
> nginx accept4
> sqlite3 accept4
> more (-n
> name
> epoll_pwait

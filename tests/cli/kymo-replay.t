# Lines as strace has them, in the order of time, the same each time.
$ kymo replay $SAMPLES/live.kymo | sed -n '1p;3,6p;8p'
> 01:18:00.803574 kymo-record/3282 rt_sigaction(...) = 0 <0.000001>
> 01:18:00.803597 kymo-record/3282 execve(...) = -1 ENOENT (No such file or directory) <0.000006>
> 01:18:00.803604 bash/3282 execve(...) = 0 <0.000305>
> 01:18:00.803802 kymo-record/3282 --- renamed "bash" ---
> 01:18:00.803907 bash/3282 --- exec "/usr/bin/bash" ---
> 01:18:00.804169 bash/3282 mmap(...) = 0x7fdc3c1a5000 <0.000003>
$ kymo replay $SAMPLES/live.kymo | cut -d' ' -f1 | sort -c && kymo replay $SAMPLES/live.kymo | md5sum >1 && kymo replay --speed max $SAMPLES/live.kymo | md5sum | cmp - 1 && echo in order
> in order
$ kymo replay --relative $SAMPLES/waits.kymo | grep 'off CPU' | sed -n '1,3p'
> 0.011494 python3/12330 --- off CPU: sleep in clock_nanosleep, woken by an interrupt, waited for a CPU 0.000015 --- <0.615157>
> 0.011494 python3/12333 --- off CPU: sleep in futex --- <unfinished ...>
> 0.630560 python3/12492 --- off CPU: sleep in clock_nanosleep, woken by an interrupt, waited for a CPU 0.023691 --- <0.043751>
$ kymo replay --relative -e tasks $SAMPLES/waits.kymo | cut -d' ' -f2- | sed 's/[0-9][0-9]*/N/g' | sort | uniq -c
>       5 pythonN/N +++ exited with N +++
>       2 pythonN/N --- new process N ---
>       3 pythonN/N --- new thread N ---
# As many lines as rows of the classes that are shown, under all filters.
$ count() { kymo replay "$@" $SAMPLES/live.kymo | wc -l; }; rows() { kymo sql --csv $SAMPLES/live.kymo "SELECT count(*) FROM (SELECT task_id, time_ns FROM syscall UNION ALL SELECT task_id, time_ns FROM task_fork UNION ALL SELECT task_id, time_ns FROM task_exec UNION ALL SELECT task_id, time_ns FROM task_exit UNION ALL SELECT task_id, time_ns FROM task_name) e JOIN task t ON t.id = e.task_id, capture c WHERE $1" | tail -1 | tr -d '\r'; }; echo $(($(count) - $(rows 1))) $(($(count --pid 3311) - $(rows t.tgid=3311))) $(($(count --comm sqlite3) - $(rows "t.comm='sqlite3'"))) $(($(count --from 0.5 --to 1) - $(rows "e.time_ns >= c.start_ns + 500000000 AND e.time_ns < c.start_ns + 1000000000")))
> 0 0 0 0
$ kymo replay -e cpu $SAMPLES/live.kymo | wc -l; kymo replay -e cpu_sample $SAMPLES/live.kymo | head -1 | cut -c1-110; kymo sql --csv $SAMPLES/live.kymo 'SELECT count(*) FROM cpu_sample' | tail -1
> 249
> 01:18:00.807058 sh/3314 --- cpu_sample period=5025125 flags=0x0 cpu=1 ---
> 249
# At the pace at which it happened, as fast as it is asked for.
$ kymo replay --speed 1000x $SAMPLES/waits.kymo | cmp - <(kymo replay $SAMPLES/waits.kymo) && echo same lines
> same lines
# What is missing is told.
$ kymo replay $SAMPLES/loss.kymo >/dev/null
2> kymo: replay: 8346 events are missing: its loss rows say why
? 3
$ head -c 90000 $SAMPLES/live.kymo >cut.kymo; kymo replay cut.kymo | wc -l; kymo replay --strict cut.kymo | wc -l
> 22257
> 0
2> kymo: replay: 'cut.kymo' is damaged: 1 blocks and 400 bytes could not be read
2> kymo: replay: 'cut.kymo': refused by --strict: byte 89600: block 15 (stats): the file ends inside it
# What is refused.
$ kymo replay --speed 0 $SAMPLES/live.kymo
2> kymo: replay: --speed: '0': give a factor above 0 (10x, 0.5x), or max
? 2
$ kymo replay --follow --speed 2x $SAMPLES/live.kymo
2> kymo: replay: --follow shows events when they are written; it takes no --speed
? 2
$ kymo replay --follow - <$SAMPLES/live.kymo
2> kymo: replay: --follow needs a file, not standard input
? 2
$ kymo replay -e nope $SAMPLES/live.kymo
2> kymo: replay: --events: 'nope' is no class (`kymo-record list`), no type of event (`kymo dump`), nor all
? 2
$ kymo replay --pid 99999 $SAMPLES/live.kymo
2> kymo: replay: '$SAMPLES/live.kymo' has no events of that process or name
? 1
$ kymo replay $SAMPLES/live.kymo >/dev/full
2> kymo: replay: write the output: No space left on device
? 1

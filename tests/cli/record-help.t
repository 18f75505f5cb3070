# Help goes to stdout with status 0; the version too.
$ kymo-record --help
> usage: kymo-record [OPTION]... [-- COMMAND [ARG]...]
>        kymo-record list
>        kymo-record config check FILE
>        kymo-record doctor
>        kymo-record help [SUBCOMMAND]
>
> Records what this host does into a capture, which `kymo` reads.
>
> What to record:
>       --preset NAME     sampling rate and duration: prod (19 Hz, 5m), staging
>                         (49 Hz, 2m), dev (99 Hz, 1m; the default), debug (199
>                         Hz, 30s)
>   -e, --events LIST     event classes to record; `kymo-record list` shows them
>   -F, --freq HZ         CPU samples per second on each CPU, 1 to 1000
>       --durations HOW   how long system calls take: exact (from entry to return,
>                         the default), or blocked (time off the CPU, which class
>                         sched knows): each call then costs about half
>       --stacks HOW      user stacks of samples and waits: copy[,SIZE] (registers
>                         and what unwinding needs of the stack, up to SIZE, which
>                         is 32K unless given and 64K at most; the default), fp
>                         (by frame pointers, which most programs lack), or none
>       --faults N        store one page fault in N with its stack, 100 by
>                         default; 0: none, only how many there are. With a CPU
>                         budget N grows where there are very many
>       --args            store the raw arguments of system calls
>       --no-exec-args    do not store the arguments with which programs are
>                         started
>       --no-symbols      store no names and no unwind entries of user functions:
>                         a capture then needs the programs themselves, by their
>                         build-ids, to be read
>       --source SOURCE   take the events from a capture instead of this host, or
>                         make them up: synthetic[:KEY=VALUE,...] with events,
>                         rate, mix (syscalls or all), seed and counted (percent)
>
> Which processes:
>   -p, --pid PID,...     only these processes, and the children they start
>       --comm NAME       only threads of this name
>       --cgroup PATH     only processes of this cgroup and those below it
>   -a, --all             the whole system, even with a command
>
> When to stop:
>   -d, --duration TIME   stop after this time: 30s, 5m, 250ms; 0: no limit.
>                         Default: the preset's; no limit with a command
>       --max-size SIZE   stop when the capture reaches this size: 64K, 10M, 1GiB
>       --max-samples COUNT
>                         stop after this many events: 5000, 10K, 1M
>
> Where it goes:
>   -o, --output FILE     capture to write; - is standard output. Default:
>                         kymo-YYYYmmdd-HHMMSS.kymo
>       --sync WHEN       when to sync to disk: interval (5s or 64 MiB, the
>                         default), chunk (each block) or none
>   -f, --force           replace FILE if it exists
>
> What it may cost:
>       --cpu-budget SHARE
>                         share of the host's CPU time: 0.5%, 1% (the default), or
>                         none (the default for a command without -a). If it is
>                         exceeded, less is recorded, and the capture says what
>                         and when
>       --mem-budget SIZE memory to use: 50M (the default), or none. Ring buffers
>                         and queues are sized to fit
>       --disk-floor SIZE disk space to leave free: 2G, 10%, or none. Default:
>                         512M or 5%, whichever is more
>       --buffer SIZE     size of the ring buffer of each event class, a power of
>                         two: 256K, 8M
>       --drain TIME      how often the ring buffers are emptied: every 1ms to 10s
>
> Other:
>   -c, --config FILE     read a YAML configuration; options override it
>       --btf FILE        BTF of the running kernel, if /sys/kernel/btf has none
>   -q, --quiet           no status line and no summary
>   -v, --verbose         report each step of the shutdown, with its time
>       --json            write the summary as JSON to standard output
>   -h, --help            show this
>   -V, --version         show the version
>
> Exit status: 0 recorded; 1 failed; 2 wrong usage or configuration; 3 recorded,
> but events were lost; 4 the kernel refused, or a privilege is missing.
$ kymo-record -h | head -1
> usage: kymo-record [OPTION]... [-- COMMAND [ARG]...]
$ kymo-record --version
> kymo-record 0.1.0
$ kymo-record list
> CLASS      RECORDED               WHAT IT RECORDS
> cpu        -e cpu (default)       samples of what runs, with stacks, at -F Hz
> syscalls   -e syscalls (default)  calls: entry time, duration, return value
> tasks      always                 processes, threads: fork, exec, exit, rename
> mappings   always                 executable mappings: to name addresses
> sched      -e sched (default)     waits: how long, why, where, who ended them
> net        -e net (default)       TCP connections, retransmits, resets, drops
> mem        -e mem (default)       page faults, sizes of processes, OOM kills
> block      -e block (default)     disk I/O: latency, size, disk, who issued it
> files      -e files (default)     which file or peer calls and waits were about
# help SUBCOMMAND is SUBCOMMAND --help; all fits 80 columns.
$ for c in '' list config doctor; do kymo-record help $c | diff - <(kymo-record $c --help) && echo "same $c"; kymo-record help $c | awk 'length > 80'; done
> same 
> same list
> same config
> same doctor
$ kymo-record help doctor
> usage: kymo-record doctor [OPTION]...
>
> Check whether this host can be recorded, and say what is in the way (exit status
> 4: it cannot)
>
>       --json            write JSON
>       --report          add facts about the host, for a bug report
>       --btf FILE        BTF of the running kernel, if /sys/kernel/btf has none
>   -h, --help            show this

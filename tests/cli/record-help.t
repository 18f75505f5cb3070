# Help goes to stdout with status 0; the version too.
$ kymo-record --help
> Usage: kymo-record [OPTION]... [-- COMMAND [ARG]...]
>        kymo-record list | config check FILE
>        kymo-record doctor [--json] [--report] [--btf FILE]
> Records what this host does into a capture, which `kymo` reads.
>
> What to record:
>       --preset NAME     prod (19 Hz, 5m), staging (49 Hz, 2m),
>                         dev (99 Hz, 1m; the default), debug (199 Hz, 30s)
>   -e, --events LIST     event classes: cpu,syscalls (the default)
>   -F, --freq HZ         samples per second and CPU, 1..1000
>       --args            store the raw arguments of system calls
>       --source SOURCE   a capture to take the events from, or
>                         synthetic[:events=N,rate=HZ,mix=syscalls|all,seed=N,
>                         counted=PERCENT]
>
> Which processes:
>   -p, --pid PID,...     these processes and the children they start
>       --comm NAME       threads of this name
>       --cgroup PATH     processes of this cgroup and those below it
>   -a, --all             the whole system, although a command is given
>
> When to stop:
>   -d, --duration TIME   after this time: 30s, 5m, 250ms; 0: no limit.
>                         Default: the preset's; no limit with a command
>       --max-size SIZE   when the capture has this size: 64K, 10M, 1GiB
>       --max-samples COUNT
>                         when so many events are stored: 5000, 10K, 1M
>
> Where it goes:
>   -o, --output FILE     capture to write, - for standard output.
>                         Default: kymo-YYYYmmdd-HHMMSS.kymo
>       --sync WHEN       when to sync to disk: interval (5s or 64 MiB, the
>                         default), chunk (each block) or none
>   -f, --force           replace FILE if it exists
>
> What it may cost:
>       --cpu-budget SHARE
>                         of the host's CPU time: 1% (the default), 0.5%, or
>                         none. Above it less is recorded, and the capture
>                         says what and when
>       --mem-budget SIZE of memory: 50M (the default), or none.
>                         Rings and queues are made to fit
>       --disk-floor SIZE what stays free on the disk: 2G, 10%, or none.
>                         Default: 512M or 5%, whichever is more
>       --buffer SIZE     ring per event class, a power of two: 256K, 8M
>       --drain MS        time between two drains of the rings, 1ms..10s
>
> Other:
>   -c, --config FILE     read a YAML configuration; flags override it
>       --btf FILE        types of this very kernel, where /sys/kernel/btf
>                         has none
>   -q, --quiet           no status line and no summary
>   -v, --verbose         say each step of the end, with its time
>       --json            summary as JSON on standard output
>   -h, --help            show this
>   -V, --version         show the version
>
> Exit status: 0 recorded; 1 failure; 2 usage or configuration; 3 recorded, but events
> were lost; 4 the kernel or a missing privilege.
$ kymo-record -h | head -1
> Usage: kymo-record [OPTION]... [-- COMMAND [ARG]...]
$ kymo-record --version
> kymo-record 0.1.0
$ kymo-record list
> CLASS      RECORDED               WHAT IT HOLDS
> cpu        -e cpu (default)       samples of what runs: kernel and user stack, 1..1000 Hz (-F)
> syscalls   -e syscalls (default)  every system call: entry time, duration, number, return value; calls still in flight at the end
> tasks      always                 processes and threads: fork, exec, exit, new names
> mappings   always                 executable mappings with build-ids: what addresses belong to

# doctor: help, unknown options, and a host that does not let us record
#! requires root unprivileged
$ kymo-record doctor --help
> usage: kymo-record doctor [OPTION]...
>
> Check whether this host can be recorded, and say what is in the way (exit status
> 4: it cannot)
>
>       --json            write JSON
>       --report          add facts about the host, for a bug report
>       --btf FILE        BTF of the running kernel, if /sys/kernel/btf has none
>   -h, --help            show this
$ kymo-record doctor --fix
2> kymo-record: doctor: unknown option --fix; --help lists them
? 2
$ cp "$KYMO_BIN/kymo-record" .; $AS_NOBODY ./kymo-record doctor > out; echo "status $?"; grep -A 1 '^error *capabilities' out; tail -n 1 out
> status 4
> error    capabilities               CAP_BPF and CAP_PERFMON are needed; held: none
>                                     -> sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep $TMP/kymo-record
> cannot record: 8 errors
$ kymo-record doctor > /dev/full
2> kymo-record: cannot write to standard output
? 1

# doctor: help, unknown options, and a host that does not let us record
#! requires root unprivileged
$ kymo-record doctor --help
> usage: kymo-record doctor [--json] [--report] [--btf FILE]
> Tries what a recording needs and says what is in the way. --report adds facts
> about the host for a bug report. Exit status: 0 it can record, 4 it cannot.
$ kymo-record doctor --fix
2> kymo-record: doctor: unknown option --fix
2> usage: kymo-record doctor [--json] [--report] [--btf FILE]
2> Tries what a recording needs and says what is in the way. --report adds facts
2> about the host for a bug report. Exit status: 0 it can record, 4 it cannot.
? 2
$ cp "$KYMO_BIN/kymo-record" .; $AS_NOBODY ./kymo-record doctor > out; echo "status $?"; grep -A 1 '^error *capabilities' out; tail -n 1 out
> status 4
> error    capabilities               CAP_BPF and CAP_PERFMON are needed; held: none
>                                     -> sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep $TMP/kymo-record
> cannot record: 3 errors
$ kymo-record doctor > /dev/full
2> kymo-record: standard output could not be written
? 1

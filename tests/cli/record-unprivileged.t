# Without the privilege to load BPF: status 4, what is missing, and what mends it; nothing is written. Other sources need none.
#! requires root unprivileged
$ cp "$KYMO_BIN/kymo-record" .; mkdir own; chown 65534 own; cd own; $AS_NOBODY ../kymo-record -d 1s -q -o out.kymo; echo "status $?"; ls
> status 4
2> kymo-record: InsufficientPermissions: loading BPF programs needs CAP_BPF and CAP_PERFMON, and both are missing; run it with sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep $TMP/kymo-record
$ cd own; $AS_NOBODY ../kymo-record --source synthetic:events=100 -q -o out.kymo; echo "status $?"; ls
> status 0
> out.kymo

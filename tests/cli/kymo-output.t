# stdout carries data only, takes part in pipes, and a write that fails is an error.
$ kymo-record --source synthetic:events=100000,mix=all,seed=3 -q -o a.kymo
$ kymo syscalls a.kymo >/dev/full; echo "status $?"
> status 1
2> kymo: syscalls: write the output: No space left on device
$ kymo syscalls a.kymo 2>&1 >/dev/null | wc -l
> 0
$ kymo syscalls --json a.kymo | jq -r '(.syscalls | length > 3), (.syscalls[0] | has("name") and has("calls") and has("errors") and has("total_ns") and has("min_ns") and has("avg_ns") and has("p50_ns") and has("p99_ns") and has("max_ns"))'
> true
> true
$ kymo overhead --json a.kymo | jq 'has("recorder_cpu_percent") and has("recorder_rss_bytes") and has("bpf_cpu_percent")'
> true
$ kymo info --json a.kymo | jq 'has("events_stored") and has("events_dropped") and has("duration_ns") and has("complete")'
> true
$ kymo flame a.kymo -o a.svg; python3 -c 'import xml.dom.minidom as m; print(m.parse("a.svg").documentElement.tagName)'
> svg
